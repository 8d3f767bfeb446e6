"""followup end-sessions USERNAME [--keys]: sign somebody out wherever they are signed in; with --keys, end their keys too."""

from django.core.management.base import BaseCommand, CommandError

from followup.core.journal import System
from followup.people import services as people
from followup.people.models import User
from followup.people.signin import places

CONSOLE = System("console")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument(
            "--keys", action="store_true", help="keys of programs and wall screens (`followup token`) too"
        )

    def handle(self, *, username, keys, **options):
        user = User.objects.filter(username__iexact=username).first()
        if user is None:
            raise CommandError(f"Nobody here has the user name {username}.")
        if keys:
            ended = people.revoke_tokens(user=user, by=CONSOLE)
            self.stdout.write(f"{ended} {'key opens' if ended == 1 else 'keys open'} nothing any more.")
        ended = places.end_sessions(user, by=CONSOLE)
        self.stdout.write(f"{username} was signed out in {ended} {'place' if ended == 1 else 'places'}.")
