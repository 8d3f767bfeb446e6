"""followup token USERNAME: a new key for the API or a wall screen, printed alone and kept only as a hash."""

from django.core.management.base import BaseCommand, CommandError

from followup.core.journal import System
from followup.people import services as people
from followup.people.models import User


class Command(BaseCommand):
    help = "Make a new API token for a person, a wall screen or a system. It is shown once."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--label", default="", help="what it is for, to tell tokens apart")

    def handle(self, *, username, label, **options):
        user = User.objects.filter(username__iexact=username, is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody here has the user name {username}.")
        self.stdout.write(people.new_token(user=user, by=System("console"), label=label))
