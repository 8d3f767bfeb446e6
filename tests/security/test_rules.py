"""The rules of the house (checks/house.yaml) find what is planted, and leave alone what is right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# rule: (where it is planted, what must be found, what must not)
PLANTED = {
    "one-clock": (
        "followup/cases/services.py",
        [
            "timezone.now()",
            "datetime.now(UTC)",
            "date.today()",
            "time.time()",
            'cursor.execute("UPDATE contact SET due = now()")',
            'cursor.execute("SELECT current_timestamp")',
            'cursor.execute("SELECT clock_timestamp()")',
        ],
        ["clock.now()", 'cursor.execute("UPDATE contact SET due = %(at)s", {"at": at})'],
    ),
    "policy-is-given-the-moment": (
        "followup/contacts/policy.py",
        ["at = clock.now()", "rows = Case.objects.open()"],
        ["late = due < at"],
    ),
    "rows-through-access": (
        "followup/desk/patients.py",
        [
            "Patient.objects.filter(number=number)",
            "Case.objects.get(id=case_id)",
            "get_object_or_404(Callback, id=callback_id)",
            "Contact.objects.filter(id=contact_id).first()",
        ],
        ["access.patient_for(request.user, patient_id)", "queries.case_for(request.user, case_id)"],
    ),
    "values-apart-from-sql": (
        "followup/people/services.py",
        [
            "cursor.execute(f\"SELECT id FROM people_patient WHERE number = '{number}'\")",
            "cursor.execute(\"SELECT id FROM people_patient WHERE number = '%s'\" % number)",
            'cursor.execute("SELECT id FROM people_patient WHERE number = " + number)',
            'cursor.execute("SELECT {}".format(number))',
            'Patient.objects.raw(f"SELECT {number}")',
            'Patient.objects.extra(where=["number = 1"])',
        ],
        ['cursor.execute("SELECT id FROM people_patient WHERE number = %s", [number])'],
    ),
    "nothing-is-marked-safe": (
        "followup/desk/call_page.py",
        ["mark_safe(note)", "Markup(note)", 'mark_safe(f"<b>{note}</b>")'],
        ['mark_safe(render_to_string("desk/note.html", {"note": note}))', 'format_html("<b>{}</b>", note)'],
    ),
    "nothing-is-safe-in-templates": (
        "templates/desk/note.html",
        ["{{ note|safe }}", "{{ note | safe }}", "{% autoescape false %}"],
        ["{{ note }}", "{{ safety }}"],
    ),
    "work-goes-through-the-outbox": (
        "followup/contacts/services.py",
        ["deliver.delay(message.id)", "deliver.apply_async(kwargs={})", 'app.send_task("messages.deliver")'],
        ['outbox.put("contacts.received", contact_id=str(contact.id))'],
    ),
    "no-signals": (
        "followup/reviews/apps.py",
        [
            "post_save.connect(note, sender=Case)",
            "django.db.models.signals.pre_delete.connect(note)",
            "case_closed = Signal()",
            "@receiver(user_logged_in)",
            "@receiver(post_save, sender=Case)",
        ],
        ["def note(**_): ...", "outbox.connect(nudge, HANDLERS)", "psycopg.connect(url)"],
    ),
    "pages-write-nothing": (
        "followup/portal/told.py",
        [
            "Contact.objects.create(patient=patient)",
            "Contact.objects.filter(patient=patient).update(message=words)",
            "Draft.objects.filter(patient=patient).delete()",
            "patient.save()",
            'journal.write("contact.read", by=user)',
        ],
        ["contacts.tell(patient=patient, by=user)", "names.update(more)"],
    ),
    "steps-change-by-move": (
        "followup/visits/services.py",
        ['case.step = "closed"', 'Case.objects.filter(id=case_id).update(step="closed")', "rows.update(step_since=at)"],
        ['cases.move(case, to="closed", by=by, why=why)', 'if case.step == "closed": pass', "self.step = step"],
    ),
    "logs-name-nobody": (
        "followup/messages/services.py",
        [
            'log.info("told %s", patient.name)',
            'log.warning("no answer from %s", message.to)',
            'log.error("refused", extra={"phone": patient.phone})',
            'log.info(f"told {patient.id}")',
        ],
        ['log.info("told %s", patient.id)', 'log.error("outbox row %s failed", row.id)'],
    ),
    "rooms-do-not-print": ("followup/clinic/services.py", ["print(slot)"], ["log.info(slot.id)"]),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> set[tuple[str, str, str]]:
    """(rule, file, line) of everything that is found in a house where every fault stands beside what is right."""
    house = tmp_path_factory.mktemp("house")
    for where, wrong, right in PLANTED.values():
        (house / where).parent.mkdir(parents=True, exist_ok=True)
        (house / where).write_text("\n".join([*wrong, *right]) + "\n")
    command = [Path(sys.executable).with_name("semgrep"), "scan", "--config", ROOT / "checks" / "house.yaml", "--json"]
    command += ["--metrics", "off", "--disable-version-check", "--no-git-ignore", "--quiet", "."]
    said = json.loads(subprocess.run(command, cwd=house, capture_output=True, text=True).stdout)
    assert not said["errors"]
    lines = {where: (house / where).read_text().splitlines() for where, _, _ in PLANTED.values()}
    return {
        (each["check_id"].rpartition(".")[2], each["path"], lines[each["path"]][each["start"]["line"] - 1])
        for each in said["results"]
    }


@pytest.mark.parametrize("rule", PLANTED)
def test_what_is_planted_is_found_and_what_is_right_is_left_alone(found, rule):
    where, wrong, _ = PLANTED[rule]
    assert {line for name, path, line in found if (name, path) == (rule, where)} == set(wrong)


def test_every_rule_has_its_planted_fault():
    import yaml

    assert {rule["id"] for rule in yaml.safe_load((ROOT / "checks" / "house.yaml").read_text())["rules"]} == set(
        PLANTED
    )
