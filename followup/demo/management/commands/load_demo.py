"""followup load-demo: make the demo clinic, or bring its rota up to date where it is there already."""

from django.core.management.base import BaseCommand

from followup.demo import clinic


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options):
        made = clinic.load()
        self.stdout.write(f"{clinic.NAME} {'is made' if made else 'was there; its rota reaches six weeks ahead'}.")
