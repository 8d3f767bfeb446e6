"""followup verify-journal: recompute every seal. Exit 0 when nothing was changed unnoticed, else 1; JSON either way."""

import json
import sys
from dataclasses import asdict

from django.core.management.base import BaseCommand

from followup.core import journal, upkeep


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument(
            "--head", action="append", default=[], help="a head kept from the log or /readyz, which must still be there"
        )

    def handle(self, *, head, **options):
        verdict = journal.verify(heads=head)
        upkeep.note("verify", sound=verdict.sound, entries=verdict.entries)
        self.stdout.write(json.dumps({"sound": verdict.sound, **asdict(verdict)}, indent=1))
        if not verdict.sound:
            sys.exit(1)
