"""programme check FILE | load FILE | diff A B, where A and B are files or loaded versions such as ibd@1.

Exit codes: 0 fine (diff: the same), 1 errors (diff: differences), 2 wrong use.
"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from followup.core.errors import Refused
from followup.core.journal import System
from followup.programmes import checks, queries, services
from followup.programmes.checks import Finding, Unreadable
from followup.programmes.errors import ProgrammeInvalid


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        words = parser.add_subparsers(dest="word", required=True)
        check = words.add_parser("check", help="say what is wrong with a programme file")
        check.add_argument("file", type=Path)
        load = words.add_parser("load", help="make a programme file available")
        load.add_argument("file", type=Path)
        diff = words.add_parser("diff", help="say what changed between two")
        diff.add_argument("old", help="a file, or a loaded version such as ibd@1")
        diff.add_argument("new", help="a file, or a loaded version such as ibd@2")

    def handle(self, *, word, **options):
        getattr(self, word)(**options)

    def check(self, *, file, **options):
        findings = services.check(file)
        self._say(findings)
        if any(finding.level == "error" for finding in findings):
            raise CommandError(f"{file}: cannot be used.")
        if findings:
            self.stdout.write(
                f"{file}: can be loaded, but not set live before a clinician has signed and translations are there."
            )
        else:
            self.stdout.write(f"{file}: fine.")

    def load(self, *, file, **options):
        try:
            programme = services.load(file, by=System("console"))
        except ProgrammeInvalid as refusal:
            self._say(refusal.findings)
            raise CommandError(str(refusal)) from None
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{programme} is loaded.")
        if not programme.signed:
            self.stdout.write("It holds clinical entries that nobody has signed: for demonstration only.")

    def diff(self, *, old, new, **options):
        lines = services.diff(self._data(old), self._data(new))
        for line in lines:
            self.stdout.write(line)
        if lines:
            raise SystemExit(1)

    def _data(self, name: str) -> dict:
        key, _, version = name.partition("@")
        try:
            if version.isdigit() and not Path(name).exists():
                return queries.version(key, int(version)).text.data
            return checks.read(name)
        except Unreadable as error:
            self._say(error.findings)
            raise CommandError(f"{name}: cannot be read.", returncode=2) from None
        except Refused as refusal:
            raise CommandError(f"{name}: {refusal}", returncode=2) from None

    def _say(self, findings: list[Finding]):
        for finding in findings:
            self.stdout.write(str(finding))
