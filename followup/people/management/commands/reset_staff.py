"""followup reset-staff USERNAME [--second-factor]: a way in again for somebody who lost theirs.

A new password is made and printed once. With --second-factor the app and the spare codes are forgotten too. Make sure first that it is
they who ask, as when they got their first password: in person, or by ringing them on a number that you knew before.
"""

from axes.utils import reset
from django.core.management.base import BaseCommand, CommandError

from followup.core.journal import System
from followup.people import services as people
from followup.people.models import User
from followup.people.signin.policy import GIVEN_PASSWORD

CONSOLE = System("console")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--second-factor", action="store_true", help="the app and the spare codes are lost too")

    def handle(self, *, username, second_factor, **options):
        user = User.objects.filter(username__iexact=username, is_active=True).first()
        if user is None or not user.membership:
            raise CommandError(f"Nobody who works here has the user name {username}.")
        if not user.has_usable_password():
            raise CommandError(
                f"{username} does not sign in with a password. Make a new key: followup token {username}"
            )
        if second_factor:
            people.forget_second_factor(user=user, by=CONSOLE)
        password = people.give_password(user=user, by=CONSOLE)
        reset(username=user.username)
        self.stdout.write(f"{username} was signed out everywhere.")
        if second_factor:
            self.stdout.write("They set up a new app when they sign in.")
        self.stdout.write(f"They choose their own password when they sign in, within {GIVEN_PASSWORD.days} days.")
        self.stdout.write(f"Password, shown this once: {password}")
