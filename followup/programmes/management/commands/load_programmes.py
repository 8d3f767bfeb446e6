from django.core.management.base import BaseCommand, CommandError

from followup.core.errors import Refused
from followup.core.journal import System
from followup.programmes import services


class Command(BaseCommand):
    help = "Load every programme that comes with the product. What is loaded already stays as it is."

    def handle(self, **options):
        try:
            programmes = services.load_shipped(by=System("console"))
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        for programme in programmes:
            self.stdout.write(f"{programme} {programme.text_id[:12]}")
