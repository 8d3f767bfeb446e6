"""followup load-demo: make the demo clinic, or bring its rota up to date where it is there already."""

from django.conf import settings
from django.core.management.base import BaseCommand

from followup.demo import clinic


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options):
        made = clinic.load()
        self.stdout.write(f"{clinic.NAME} {'is made' if made else 'was there; its rota reaches six weeks ahead'}.")
        running = settings.FOLLOWUP_DATA / "run"
        if running.exists():
            # Read by `followup up`; it holds the wall screen's key, so nobody else may.
            note = running / "welcome.txt"
            note.touch(mode=0o600)
            note.write_text(clinic.welcome(settings.FOLLOWUP_PUBLIC_URL) + "\n")
