"""Whatever is sent, the answer is a plain no or a plain yes: never a fault, and a no changes nothing."""

import itertools
import json
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.urls import reverse

from followup.callbacks.models import Callback
from followup.contacts.models import Contact

SCRIPT = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{7*7}}%s%(name)s"
HOSTILE = {
    "nothing": "",
    "blanks": " \u00a0\u2003\t",
    "a nul": "a\x00b",
    "markup": SCRIPT,
    "right to left": "\u202eolleh\u2066\u200f",
    "emoji": "👩🏽‍⚕️🩸" * 3,
    "wildcards": "%_\\%",
    "long": "x" * 200_000,
    "many lines": "a\r\n" * 3_000,
    "a number": "99999999999999999999999999999999",
    "minus": "-1",
    "another script's digits": "٣٤²",
    "an exponent": "1e999",
    "not a number": "NaN",
    "an id of nobody": "00000000-0000-0000-0000-000000000000",
    "an id almost": "{12345678-1234-5678-1234-567812345678}",
    "a list": '["flare"]',
    "a day that is none": "2026-02-31",
    "the last day": "9999-12-31T23:59:59.999999Z",
    "the first day": "0001-01-01T00:00:00.000000Z",
    "a time with a zone": "14:30+05:00",
    "sql": "'; DROP TABLE people_patient; --",
}
NASTIEST = [HOSTILE[name] for name in ("a nul", "markup", "a number", "another script's digits", "the last day")]
HARMLESS = 500


ON_PAGES = (
    "nothing",
    "a nul",
    "markup",
    "right to left",
    "emoji",
    "long",
    "many lines",
    "a number",
    "another script's digits",
    "a time with a zone",
)
each_hostile = pytest.mark.parametrize("hostile", [HOSTILE[name] for name in ON_PAGES], ids=ON_PAGES)


def never_a_fault(answer, *what):
    assert answer.status_code < HARMLESS, (what, answer.status_code)
    return answer


def each_field(fields: dict, hostile: str):
    """The form with the hostile text in one field, for each of them, and then in all."""
    for name in fields:
        yield fields | {name: hostile}
    yield dict.fromkeys(fields, hostile)
    yield {}


# pages of patients

TELLING = {
    "now": {"red_flags": "none"},
    "why": {"reason": "flare"},
    "what": {"message": "It hurts.", "since": "days", "medicine": "", "days_left": ""},
    "reach": {"phone": "070-174 06 05", "not_before": "", "voicemail": "1", "interpreter": "1"},
}


@each_hostile
def test_the_questions_of_getting_in_touch(visitor, anna, hostile):
    client = visitor(anna)
    for page, right in TELLING.items():
        address = reverse("portal:question", args=[page])
        for sent in each_field(right, hostile) if hostile in NASTIEST else [dict.fromkeys(right, hostile)]:
            answer = never_a_fault(client.post(f"{address}?then=check", sent), page, list(sent))
            assert SCRIPT.encode() not in answer.content
        never_a_fault(client.get(reverse("portal:check")), page)
        client.post(address, right | {"message": hostile[:4_000]} if page == "what" else right)
    assert client.post(reverse("portal:check")).status_code == 302
    assert Contact.objects.get().message == hostile[:4_000].replace("\x00", "").replace("\r\n", "\n").strip()
    for there in ("home", "where", "tell_us", "sent", "contacts"):
        assert SCRIPT.encode() not in never_a_fault(client.get(reverse(f"portal:{there}")), there).content


@each_hostile
def test_words_added_to_a_request(visitor, anna, flare, hostile):
    client = visitor(anna)
    answer = never_a_fault(client.post(reverse("portal:tell_us"), {"text": hostile}))
    assert answer.status_code == (422 if not hostile.strip() or len(hostile) > 4_000 else 302)
    assert SCRIPT.encode() not in never_a_fault(client.get(reverse("portal:tell_us"))).content


@each_hostile
@pytest.mark.parametrize("there", ["sign_in", "sign_in_birth", "sign_in_code", "sign_in_new_code"])
def test_the_door_of_patients(visitor, anna, hostile, there):
    client = visitor()
    client.post(reverse("sign_in"), {"address": anna.phone})
    if there != "sign_in_birth":
        client.post(reverse("sign_in_birth"), {"day": "3", "month": "5", "year": "1971"})
    fields = {
        "address": "x",
        "day": "3",
        "month": "5",
        "year": "1971",
        "code": "123456",
        "channel": "sms",
        "next": "/home/",
    }
    for sent in (dict.fromkeys(fields, hostile), fields | {"next": hostile}):
        answer = never_a_fault(client.post(reverse(there), sent), there, list(sent))
        assert SCRIPT.encode() not in answer.content


# pages of staff

OUTCOME = {
    "outcome": "self_care",
    "also": [],
    "advice": [],
    "slot": "",
    "to": "",
    "call_again_on_day": "26",
    "call_again_on_month": "11",
    "call_again_on_year": "2026",
    "note": "Rest.",
    "agreed": "Drink.",
    "do": "save",
}
REQUEST = {
    "channel": "phone",
    "red_flags": "none",
    "reason": "flare",
    "message": "Worse",
    "since": "days",
    "medicine": "",
    "days_left": "",
    "sooner": "",
    "phone": "",
    "not_before": "",
    "not_after": "",
    "voicemail": "",
    "do": "save",
}


@each_hostile
def test_the_page_of_a_call(visitor, karin, call, hostile):
    client = visitor(karin)
    address = reverse("desk:call", args=[call.id])
    for do in ("save", "preview", "needs_a_time"):
        # Only what is refused or merely shown: the call stays open.
        sent = dict.fromkeys(OUTCOME, hostile) | {"do": do, "outcome": "none of these"}
        assert SCRIPT.encode() not in never_a_fault(client.post(address, sent), do).content
    for there in ("keep", "dial"):
        never_a_fault(client.post(reverse(f"desk:{there}", args=[call.id]), dict.fromkeys(OUTCOME, hostile)), there)
    call.refresh_from_db()
    assert call.state == "claimed"
    assert SCRIPT.encode() not in never_a_fault(client.get(address)).content
    never_a_fault(client.post(address, {"do": "give_back", "note": hostile}))
    assert SCRIPT.encode() not in client.get(reverse("desk:open", args=[call.id])).content
    assert never_a_fault(client.post(reverse("desk:open", args=[call.id]), {"why": hostile})).status_code in (302, 422)


def test_an_outcome_with_one_wrong_field(visitor, karin, call):
    client = visitor(karin)
    for field, hostile in itertools.product([name for name in OUTCOME if name != "do"], NASTIEST):
        kept = transaction.savepoint()
        never_a_fault(client.post(reverse("desk:call", args=[call.id]), OUTCOME | {field: hostile}), field, hostile)
        transaction.savepoint_rollback(kept)
    visitor(karin).post(reverse("desk:call", args=[call.id]), OUTCOME | {"note": SCRIPT, "agreed": SCRIPT})
    assert Callback.objects.get(id=call.id).state == "done"
    shown = [(karin, reverse(f"desk:{there}", args=[call.patient_id])) for there in ("patient", "request")]
    shown += [(call.patient, reverse(f"portal:{there}")) for there in ("home", "where", "contacts", "messages")]
    for who, address in shown:
        assert SCRIPT.encode() not in never_a_fault(visitor(who).get(address), address).content


@each_hostile
def test_a_request_entered_by_staff(visitor, karin, anna, hostile):
    client = visitor(karin)
    for field in REQUEST if hostile in NASTIEST else ["message", "phone"]:
        before = Contact.objects.count(), Callback.objects.count()
        answer = never_a_fault(client.post(reverse("desk:request", args=[anna.id]), REQUEST | {field: hostile}), field)
        assert SCRIPT.encode() not in answer.content
        if answer.status_code == 422:
            assert before == (Contact.objects.count(), Callback.objects.count())


@each_hostile
def test_a_clinicians_answer(visitor, doctor, asked, hostile):
    for sent in (
        {"words": hostile, "slot": ""},
        {"words": "Yes", "slot": hostile},
        {"words": hostile, "slot": hostile},
    ):
        answer = never_a_fault(visitor(doctor).post(reverse("desk:ask", args=[asked.id]), sent))
        assert SCRIPT.encode() not in answer.content


@each_hostile
def test_a_visit_is_marked(visitor, karin, visit, hostile):
    never_a_fault(visitor(karin).post(reverse("desk:mark", args=[visit.id]), {"state": hostile}))
    visit.refresh_from_db()
    assert visit.state == "held"


QUESTIONS = [
    ("desk:patients", ["q", "page"]),
    ("desk:queue", ["show"]),
    ("desk:board", ["show", "names"]),
    ("desk:clinic_day", ["day"]),
    ("portal:messages", ["before"]),
    ("portal:who_looked", ["before"]),
    ("portal:contacts", ["before"]),
    ("portal:tell_us", ["saved"]),
    ("sign_in", ["next"]),
    ("account_login", ["next"]),
]


@pytest.mark.parametrize(("there", "names"), QUESTIONS)
def test_what_stands_in_an_address(visitor, karin, flare, there, names):
    user = flare.case.patient if there.startswith("portal") else karin if there.startswith("desk") else None
    client = visitor(user)
    for name, hostile in itertools.product(names, HOSTILE.values()):
        answer = never_a_fault(client.get(f"{reverse(there)}?{urlencode({name: hostile[:5_000]})}"), name, hostile[:20])
        assert SCRIPT.encode() not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/desk/calls/%00/",
        "/wall/%00/",
        "/tell-us/%ED%A0%80/",
        "/language",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//evil.example/",
    ],
)
def test_odd_addresses(visitor, karin, anna, path):
    for user in (None, karin, anna):
        for method in ("get", "post", "head", "options", "put", "delete", "patch"):
            never_a_fault(getattr(visitor(user), method)(path), path, method)


# the API

CONTACT = {
    "reason": "flare",
    "message": "Worse",
    "channel": "web",
    "answers": {"red_flags": [], "since": "days", "scale": 3, "medicine": "x", "days_left": 3, "sooner": "yes"},
    "preferred": {
        "phone": "",
        "not_before": "",
        "not_after": "",
        "voicemail": True,
        "interpreter": False,
        "language": "sv",
    },
}
SAID = {
    "outcome": "self_care",
    "also": [],
    "note": "x",
    "advice": [],
    "slot": None,
    "to": None,
    "call_again_on": "2026-11-30",
    "agreed": "x",
}
ODD = [
    *HOSTILE.values(),
    "\ud800",
    None,
    True,
    0,
    -1,
    1.5,
    10**40,
    [],
    {},
    [[]],
    ["\x00"],
    ["\ud800"],
    [None],
    [{}],
    {"a": 1},
    {"red_flags": [[1]]},
    {"phone": {}},
    {"scale": 10**30},
    {"since": "\x00"},
    {"since": "\ud800"},
    {"medicine": "x" * 10_000},
    {"language": "\x00"},
    {"not_before": "14:30+05:00"},
    {"not_before": "9" * 5_000},
    {"red_flags": ["x"] * 10_000},
    {"phone": "+46" + "7" * 300},
]


def send(client, path, body):
    text = json.dumps(body)
    return client.post(path, text, content_type="application/json")


@pytest.mark.parametrize("field", [*CONTACT, "patient", "whole"])
def test_a_request_over_the_api(program, anna, karin, field):
    me, nurse = program(anna), program(karin)
    for odd in ODD:
        for client, body in ((me, CONTACT), (nurse, CONTACT | {"patient": str(anna.id)})):
            before = Contact.objects.count(), Callback.objects.count()
            answer = never_a_fault(
                send(client, "/api/v1/contacts", odd if field == "whole" else body | {field: odd}), field, odd
            )
            if answer.status_code >= 400:
                assert answer["Content-Type"] == "application/problem+json"
                assert before == (Contact.objects.count(), Callback.objects.count())
    never_a_fault(program(karin).get("/api/v1/contacts"))
    never_a_fault(me.get("/api/v1/me/cases"))


@pytest.mark.parametrize("field", [*SAID, "whole"])
def test_an_outcome_over_the_api(program, karin, call, field):
    client = program(karin)
    for odd in ODD:
        for outcome in ("no such",) if field != "outcome" else ("self_care",):
            body = odd if field == "whole" else SAID | {"outcome": outcome, field: odd}
            answer = never_a_fault(send(client, f"/api/v1/callbacks/{call.id}/outcome", body), field, odd)
            assert answer.status_code == 200 or answer["Content-Type"] == "application/problem+json"
        never_a_fault(send(client, f"/api/v1/callbacks/{call.id}/release", {"note": odd}), field, odd)
        never_a_fault(send(client, "/api/v1/appointments", {"case": odd, "slot": odd}), field, odd)


NAMES = {
    "contacts": ("limit", "step", "open", "at_risk", "patient", "cursor", "format"),
    "callbacks": ("state", "cursor"),
    "slots": ("kind", "from", "to", "cursor"),
    "appointments": ("state", "from", "to", "case", "cursor"),
    "messages": ("state", "patient"),
    "board": ("kind", "names"),
    "me/cases": ("limit", "cursor"),
    "schema": ("format", "lang"),
    "board/stream": ("kind", "since"),
}


@pytest.mark.parametrize("path", NAMES)
def test_what_stands_in_an_address_of_the_api(program, karin, anna, flare, path):
    client = program(anna if path == "me/cases" else karin)
    for name, odd in itertools.product(NAMES[path], HOSTILE.values()):
        never_a_fault(client.get(f"/api/v1/{path}?{name}={quote(odd[:5_000])}"), path, name, odd[:20])


def cursors():
    import base64

    whole = [
        "[0, [Infinity, 1, 1, 1]]",
        "[0, [1e999, 1e999, 1e999, 1e999]]",
        "[0, [1e999, 1e999]]",
        "[0, [NaN, NaN]]",
        "[0]",
        "7",
        "{}",
        "[0, 7]",
        "[[], {}]",
        '[0, ["2026-11-23", 7]]',
        '[0, ["0001-01-01T00:00:00+23:00", "00000000-0000-0000-0000-000000000000"]]',
        '[1, ["9999-12-31T23:59:59-23:00", "00000000-0000-0000-0000-000000000000"]]',
        '[0, ["2026-11-23T08:00:00", "x"]]',
        '[0, [100000000000000000000, "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z", "00000000-0000-0000-0000-000000000000"]]',
        "[0, [true, [], {}, null]]",
        "[0, [null, null]]",
        "[" * 5_000,
        '[0, ["\\u0000", "\\ud800"]]',
    ]
    return [base64.urlsafe_b64encode(each.encode()).decode() for each in whole] + ["%", "=", "A", "é"]


@pytest.mark.parametrize("path", ["contacts", "callbacks", "slots", "appointments", "messages"])
def test_a_cursor_of_somebodys_own_making(program, karin, flare, path):
    client = program(karin)
    for odd in cursors():
        never_a_fault(client.get(f"/api/v1/{path}", {"cursor": odd, "limit": 3}), path, odd)


# how it is sent


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain; charset=unicode_escape",
        "text/html; charset=utf-16",
        "x" * 3_000,
        "multipart/form-data",
        "multipart/form-data; boundary=" + "b" * 300,
        "multipart/form-data; charset=unicode_escape; boundary=b",
        "application/x-www-form-urlencoded; charset=utf-7",
        "",
    ],
)
def test_bodies_of_other_kinds(visitor, program, karin, anna, call, kind):
    part = '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n\\ud800\r\n--b--\r\n'
    for body in (b"", part.encode(), b"\xff\xfe\x00", b"a=1&b=\\ud800"):
        for client in (visitor(anna), visitor(karin), visitor(), program(anna), program(karin)):
            for path in (
                "/tell-us/",
                f"/desk/calls/{call.id}/",
                "/sign-in/",
                "/api/v1/contacts",
                "/api/v1/callbacks/claim",
                "/webhooks/twilio/status",
            ):
                never_a_fault(client.generic("POST", path, body, content_type=kind), path, kind, body)
                never_a_fault(
                    client.get(
                        f"{path}?q=\\ud800&next=\\ud800&before=x", content_type=kind, headers={"Content-Type": kind}
                    ),
                    path,
                    kind,
                )


@pytest.mark.parametrize(
    "body", [b"text=" + b"x" * 1_100_000, b"&".join(b"a%d=1" % n for n in range(2_000))], ids=["large", "many fields"]
)
def test_forms_that_are_too_much(visitor, anna, karin, call, body):
    kind = "application/x-www-form-urlencoded"
    for user, path in (
        (None, "/sign-in/"),
        (anna, "/tell-us/"),
        (karin, f"/desk/calls/{call.id}/"),
        (karin, "/api/v1/callbacks/claim"),
        (anna, "/api/v1/contacts"),
    ):
        for strict in (False, True):
            answer = visitor(user, enforce_csrf_checks=strict).post(path, body, content_type=kind)
            assert 400 <= answer.status_code < 500, (path, answer.status_code)
            if path.startswith("/api/"):
                assert answer["Content-Type"] == "application/problem+json"
            elif answer.status_code == 400:
                assert b"<h1" in answer.content and b"lang=" in answer.content
