"""What a programme file may say, and how it is told what is wrong."""

from copy import deepcopy
from datetime import date

import pytest
from django.utils import translation

from followup.core.hours import Duration
from followup.programmes import checks, gsm7
from followup.programmes.services import SHIPPED, diff
from followup.programmes.texts import Text, text

IBD = SHIPPED / "ibd.yaml"
TODAY = date(2026, 11, 22)
OUTCOMES = {
    "self_care",
    "clinic_time",
    "prescription",
    "clinician_asked",
    "emergency",
    "group_change",
    "all_well",
    "no_answer",
    "other",
}


@pytest.fixture(scope="module")
def shipped():
    return checks.read(IBD)


@pytest.fixture
def data(shipped):
    return deepcopy(shipped)


@pytest.fixture(scope="module")
def rules(shipped):
    return checks.parse(shipped)


def errors_of(data):
    with pytest.raises(checks.Unreadable) as caught:
        checks.parse(checks.read(data))
    return [str(finding) for finding in caught.value.findings]


def the(entries, id):
    return next(entry for entry in entries if entry["id"] == id)


# The shipped programme


def test_each_shipped_file_is_sound_and_in_both_languages():
    for path in SHIPPED.glob("*.yaml"):
        found = checks.warnings_about(checks.parse(checks.read(path)), TODAY)
        assert {finding.words for finding in found} == {"not signed off by a clinician"}


def test_the_shipped_reasons_outcomes_and_groups_are_those_of_the_contract(rules):
    assert [r.id for r in rules.reasons] == ["flare", "worry", "prescription", "appointment", "other"]
    assert {o.id for o in rules.outcomes} == OUTCOMES
    assert [g.id for g in rules.groups] == ["annual_phone", "traditional"]
    assert {o.id for o in rules.outcomes if o.leaves == "with_clinician"} == {
        "prescription",
        "clinician_asked",
        "group_change",
    }
    assert rules.outcome("self_care").needs == ["call_again_on"]


@pytest.mark.parametrize(
    ("reason", "red_flags", "days_left", "priority"),
    [
        ("flare", [], None, 2),
        ("flare", ["rf_bleed"], None, 1),
        ("other", ["rf_fever"], None, 1),  # R1 is rung as soon as R0
        ("worry", [], None, 3),
        ("prescription", [], None, 4),
        ("prescription", [], 4, 4),
        ("prescription", [], 3, 3),
        ("prescription", [], 0, 3),
        ("appointment", [], 1, 4),  # days left belong to a prescription
    ],
)
def test_how_urgent_a_request_is(rules, reason, red_flags, days_left, priority):
    assert rules.priority_of(reason, red_flags, days_left) == priority


def test_promises_and_tries_are_durations(rules):
    assert [rules.rung_within(n) for n in (1, 2, 3, 4)] == [Duration(open_hours=n) for n in (1, 4, 8, 16)]
    assert rules.rung_within(5) == Duration(working_days=10)
    assert rules.see_within() == Duration(calendar_days=3)
    assert rules.retry_after(1) == Duration(open_hours=2)
    assert rules.retry_after(2) == Duration(other_part_of_open_day=1)
    assert rules.retry_after(3) is None


def test_a_time_is_held_for_a_flare_up_and_for_any_red_flag(rules):
    assert rules.holds_time("flare")
    assert not rules.holds_time("worry")
    assert rules.holds_time("worry", ["rf_perianal"])
    assert rules.nurse_in_charge_decides("flare")
    assert not rules.nurse_in_charge_decides("prescription")


def test_only_the_gravest_signs_show_the_emergency_page(rules):
    assert rules.shows_emergency_page(["rf_fever", "rf_bleed"])
    assert not rules.shows_emergency_page(["rf_fever", "rf_marrow"])
    assert not rules.shows_emergency_page([])


def test_an_id_that_is_not_there_is_a_lookup_error(rules):
    for ask in (rules.reason, rules.red_flag, rules.outcome, rules.template, rules.advice_text, rules.since_option):
        with pytest.raises(LookupError):
            ask("nothing")
    with pytest.raises(LookupError):
        rules.priority_of("flare", ["rf_nothing"])


# What is refused, and where the file is told to be wrong


def put(path, value):
    def change(data):
        *way, last = path
        here = data
        for step in way:
            here = here[step] if not isinstance(here, list) else the(here, step)
        here[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (put(["reasons", "flare", "colour"], "red"), "reasons[flare].colour: is not known here"),
        (put(["reasons", "flare", "priority"], 9), "reasons[flare].priority: Input should be less than or equal to 5"),
        (put(["red_flags", "rf_pain", "ask"], {"sv": "Ont"}), "red_flags[rf_pain].ask.en: is missing"),
        (put(["red_flags", "rf_pain", "level"], "R2"), "red_flags[rf_pain].level: Input should be 'R0' or 'R1'"),
        (put(["queue", "tries"], ["now", {"hours": 2}]), "queue.tries[1]: unknown kind of duration: hours"),
        (put(["queue", "tries"], []), "queue.tries: List should have at least 1 item"),
        (put(["queue", "holds_time"], ["flares"]), "queue.holds_time: flares is neither a reason nor red_flag"),
        (put(["queue", "rung_within_open_hours"], {1: 1, 2: 4, 3: 8}), "queue: nothing says when priority 4 is rung"),
        (put(["queue", "rung_within_working_days"], {4: 2}), "queue: priority 4 has two promises"),
        (put(["outcomes", "all_well", "leaves"], "with_clinician"), "outcomes[all_well]: `within` goes with"),
        (put(["advice", "food", "title"], {"en": "For {first_name}"}), "advice[food].title.en: {first_name} is not"),
        (put(["emergency", "title"], {"en": "Ring {phone}"}), "emergency.title.en: {phone} is not filled here, only"),
        (put(["messages", "code", "sms"], {"en": "{code}"}), "messages.code.sms.en: the last line is @{host} #{code}"),
        (put(["messages", "agreed", "sms"], {"en": "{link} {time}"}), "messages.agreed.sms.en: {time} is not filled"),
        (put(["messages", "agreed", "sms"], {"en": "{link.__class__}"}), "messages.agreed.sms.en: braces: "),
        (put(["messages", "agreed", "sms"], {"en": "{link!r}"}), "messages.agreed.sms.en: braces: "),
        (put(["messages", "agreed", "sms"], {"en": "{link:>9}"}), "messages.agreed.sms.en: braces: "),
        (put(["messages", "agreed", "sms"], {"en": "{link"}), "messages.agreed.sms.en: braces: "),
        (
            put(["messages", "agreed", "sms"], {"en": "Dear {first_name}"}),
            "messages.agreed.sms.en: {first_name}, stands",
        ),
        (put(["messages", "agreed", "sms"], {"en": "It’s ready – go"}), "not in the alphabet of text messages: ’–"),
        (put(["messages", "agreed", "sms"], {"en": "x" * 160}), "messages.agreed.sms.en: 160 characters with usual"),
        (put(["messages", "agreed", "sms"], {"en": "€" * 80}), "messages.agreed.sms.en: 160 characters with usual"),
        (put(["messages", "agreed", "sms"], {"en": "Reply CANCEL"}), "whoever answers CANCEL gets no more texts"),
        (
            put(["messages", "agreed", "sms"], {"en": "Hi", "sv": "Din kolit"}),
            "messages.agreed.sms.sv: a neighbour may",
        ),
        (
            put(["messages", "agreed", "email", "subject"], {"en": "IBD"}),
            "messages.agreed.email.subject.en: a neighbour",
        ),
        (
            put(["messages", "hello"], {"sms": {"en": "a"}, "email": {"subject": {"en": "a"}, "body": {"en": "a"}}}),
            "messages.hello: is not a message that is ever sent",
        ),
        (lambda data: data["messages"].pop("agreed"), "messages: agreed is missing"),
        (lambda data: data["reasons"].append(data["reasons"][0]), "reasons: flare stands here twice"),
        (lambda data: data["advice"][0].pop("source"), "advice[fluids].source: is missing"),
        (lambda data: data["slots"].update(signed_off_by="Dr Ek", review_by=None), "slots: a signed entry says when"),
        (lambda data: data.pop("queue"), "queue: is missing"),
    ],
)
def test_a_wrong_file_is_told_where_it_is_wrong(data, change, error):
    change(data)
    found = errors_of(data)
    assert any(error in line for line in found), found


def test_all_errors_are_told_at_once(data):
    data["reasons"][0]["priority"] = 0
    data["red_flags"][2]["level"] = "R7"
    assert len(errors_of(data)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: 1\na: 2\n", "twice"),
        (b"a: [1\n", "expected"),
        (b"- 1\n", "is a mapping"),
        (b"", "is a mapping"),
        (b"a: &a [*a]\n", "Circular"),
        (b"a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        (b"a: .nan\n", "not JSON compliant"),
        (b"a: !!binary aGVq\n", "cannot stand"),
        (b"\xff\xfe\x00", "decode"),
        (b"a: " + b"[" * 3000, "nested too deeply"),
        (b"#" * (checks.MOST_BYTES + 1), "larger"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_so(tmp_path, content, words):
    file = tmp_path / "programme.yaml"
    file.write_bytes(content)
    with pytest.raises(checks.Unreadable, match=words):
        checks.read(file)


def test_a_file_that_is_not_there_is_told_so(tmp_path):
    with pytest.raises(checks.Unreadable, match="No such file"):
        checks.read(tmp_path / "none.yaml")


def test_what_is_unsigned_out_of_date_or_untranslated_is_pointed_out(data):
    the(data["advice"], "food").update(signed_off_by="Dr Ek", review_by="2026-11-21")
    the(data["advice"], "watch").update(signed_off_by="Dr Ek", review_by="2026-11-22")
    del the(data["reasons"], "flare")["label"]["sv"]
    found = {finding.path: finding.words for finding in checks.warnings_about(checks.parse(data), TODAY)}
    assert found["advice[food]"] == "was to be looked at again by 2026-11-21"
    assert "advice[watch]" not in found
    assert found["reasons[flare].label"] == "not translated (sv)"
    assert found["red_flags[rf_pain]"] == "not signed off by a clinician"


# Content and comparison


def test_the_fingerprint_is_of_the_content_not_of_its_order(data):
    turned = deepcopy(dict(reversed(data.items())))
    assert checks.fingerprint(turned) == checks.fingerprint(data)
    data["queue"]["see_within_days"] = 5
    assert checks.fingerprint(turned) != checks.fingerprint(data)


def test_a_comparison_names_what_changed(data, shipped):
    data["queue"]["see_within_days"] = 5
    the(data["red_flags"], "rf_pain")["ask"]["sv"] = "Ont"
    del data["since"][3]
    lines = diff(shipped, data)
    assert "- queue.see_within_days: 3" in lines
    assert "+ queue.see_within_days: 5" in lines
    assert "+ red_flags[rf_pain].ask.sv: 'Ont'" in lines
    assert any(line.startswith("- since[longer].label.en") for line in lines)
    assert diff(shipped, shipped) == []


# Texts


@pytest.mark.parametrize(
    ("value", "language", "said"),
    [
        (Text(en="call", sv="samtal"), "sv", "samtal"),
        (Text(en="call", sv="samtal"), "sv-se", "samtal"),
        (Text(en="call", sv="samtal"), "de", "call"),
        (Text(en="call"), "sv", "call"),
        ({"en": "call", "sv": "samtal"}, "sv", "samtal"),
        ({"sv": "samtal"}, "en", "samtal"),
        ("as it is", "sv", "as it is"),
        (None, "sv", ""),
    ],
)
def test_a_text_is_said_in_the_language_asked_for_or_in_english(value, language, said):
    assert text(value, language) == said


def test_a_text_is_said_in_the_active_language(rules):
    with translation.override("sv"):
        assert text(rules.reason("flare").label) == "Jag mår sämre"
        assert str(rules.reason("flare").label) == "Jag mår sämre"
    with translation.override(None):
        assert text(rules.reason("flare").label) == "I feel worse"


def test_the_alphabet_of_text_messages():
    assert gsm7.outside("Åsa Öberg är här, 100 €") == ""
    assert gsm7.outside("Łukasz “ok” – Łukasz") == "Ł“”–"
    assert gsm7.length("abc") == 3
    assert gsm7.length("[€]") == 6
