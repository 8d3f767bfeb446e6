"""followup end-sessions USERNAME: sign somebody out wherever they are signed in."""

from django.core.management.base import BaseCommand, CommandError

from followup.core.journal import System
from followup.people.models import User
from followup.people.signin import places


class Command(BaseCommand):
    help = "Sign a person or a wall screen out everywhere. Keys stay good: `followup token` makes and ends those."

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *, username, **options):
        user = User.objects.filter(username__iexact=username).first()
        if user is None:
            raise CommandError(f"Nobody here has the user name {username}.")
        ended = places.end_sessions(user, by=System("console"))
        self.stdout.write(f"{username} was signed out in {ended} {'place' if ended == 1 else 'places'}.")
