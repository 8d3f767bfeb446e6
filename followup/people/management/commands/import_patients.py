"""followup import-patients FILE --unit U --programme P: a clinic's own list of patients comes in.

New people are added and changed ones put right. Close matches and refused rows are left for a person, nobody is removed, and the same file
again changes nothing. With --check nothing is written. Ends with 0 when the file could be read, else with 2.
"""

import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from followup.core.errors import Refused
from followup.core.journal import System
from followup.people import imports
from followup.people.models import Unit
from followup.programmes import queries as programmes
from followup.programmes import services as programme_services
from followup.programmes.errors import NoSuchProgramme

CONSOLE = System("console")
UNUSED = 2


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("file", help="CSV: commas, semicolons or tabs; UTF-8 or Windows-1252")
        parser.add_argument("--unit", required=True, help="its name")
        parser.add_argument("--programme", required=True, help="what they are followed up in, such as ibd")
        parser.add_argument("--json", action="store_true", help="say the result as JSON")
        parser.add_argument("--check", action="store_true", help="say what would happen, and write nothing")

    def handle(self, *, file, unit, programme, check, **options):
        where = Unit.objects.filter(name__iexact=unit).first()
        if where is None:
            raise CommandError(f"There is no unit {unit}. followup create-unit makes one.", returncode=UNUSED)
        try:
            programme_services.load_shipped(by=CONSOLE)
            found = imports.plan(Path(file).read_bytes(), unit=where, programme=programmes.current(programme))
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.", returncode=UNUSED) from None
        except NoSuchProgramme as refusal:
            raise CommandError(f"{programme}: {refusal}", returncode=UNUSED) from None
        except Refused as refusal:
            raise CommandError(f"{file}: {refusal} Nothing was changed.", returncode=UNUSED) from None
        done = found if check else imports.carry_out(found, by=CONSOLE)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(done), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(in_words(done, checked=check)))


def as_json(done: imports.Plan) -> dict:
    """Counts of rows, and the rows that a person should look at by their line in the file."""

    def lines(verdict: str) -> list[dict]:
        return [{"line": row.line, "reason": row.reason} for row in done.of(verdict)]

    return {
        **{verdict: done.count(verdict) for verdict in (imports.NEW, imports.SAME, imports.CHANGED, imports.CLOSE)},
        "refused": lines(imports.REFUSED),
        "warnings": [{"line": line, "reason": str(each)} for line, each in done.warnings],
        "close_matches": lines(imports.CLOSE),
        "changes": [{"line": row.line, "columns": sorted(row.changes)} for row in done.of(imports.CHANGED)],
        "columns_not_used": list(done.unused),
        "encoding": done.encoding,
    }


def in_words(done: imports.Plan, *, checked: bool) -> list[str]:
    """The same for people, with what to do next."""
    count, added, right = done.count, *(("would be added", "would be put right") if checked else ("added", "put right"))
    said = [
        f"{done.unit.name}: {len(done.rows)} rows, read as {done.encoding}.",
        f"  {count(imports.NEW):>6} new: {added}",
        f"  {count(imports.CHANGED):>6} changed: {right}",
        f"  {count(imports.SAME):>6} the same as known",
        f"  {count(imports.CLOSE):>6} close to somebody known: left for you to decide",
        f"  {count(imports.REFUSED):>6} refused",
    ]
    if done.unused:
        said.append(f"Columns we have no use for: {', '.join(done.unused)}.")
    said += listed("Refused:", [(row.line, row.reason) for row in done.of(imports.REFUSED)])
    said += listed("Close matches, not written:", [(row.line, row.reason) for row in done.of(imports.CLOSE)])
    said += listed("To look at:", [(line, str(each)) for line, each in done.warnings])
    return [*said, "", *next_steps(done, checked=checked)]


def listed(heading: str, remarks: list[tuple[int, str]]) -> list[str]:
    """Each reason once, with the lines it holds for."""
    lines: dict[str, list[int]] = {}
    for line, reason in remarks:
        lines.setdefault(reason, []).append(line)
    said = [f"  line{'s' * (len(on) > 1)} {', '.join(map(str, on))}: {reason}" for reason, on in lines.items()]
    return ["", heading, *said] if said else []


def next_steps(done: imports.Plan, *, checked: bool) -> list[str]:
    if checked:
        return ["Nothing was written. Without --check the same command brings them in."]
    steps = []
    if done.of(imports.REFUSED) or done.of(imports.CLOSE):
        steps.append("Mend the refused lines where the list comes from, look at the close matches, and run this again:")
        steps.append("what is in already stays as it is.")
    undecided = [
        row for row in done.of(imports.NEW) if not (row.candidate.wishes_visits or row.candidate.needs_support)
    ]
    if undecided:
        steps.append(f"{len(undecided)} have no follow-up plan yet: a clinician decides it with each of them.")
    if not (settings.TWILIO_ACCOUNT_SID or settings.EMAIL_URL):
        steps.append(
            "No text and no e-mail leaves this machine, so nobody gets a code to sign in with, until TWILIO_… or EMAIL_URL"
        )
        steps.append("are set: see docs/running.md.")
    steps.append(
        "They sign in with their telephone number or e-mail and birth date. Staff come in with: followup create-staff"
    )
    return steps
