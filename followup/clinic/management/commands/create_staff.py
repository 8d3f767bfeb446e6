"""followup create-staff USERNAME --role R --unit U: somebody who works there, with their part of the rota.

The password is asked for on a terminal, or read from standard input; where neither gives one it is made and printed once.
"""

import getpass
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from followup.clinic import services as clinic
from followup.core.errors import Invalid
from followup.core.journal import System
from followup.people import phones
from followup.people import services as people
from followup.people.models import Role, Unit, User
from followup.people.signin.policy import GIVEN_PASSWORD

CONSOLE = System("console")
WITHOUT_PASSWORD = (Role.WALL, Role.SYSTEM)
"""They never sign in on a page; `followup token` makes their key."""


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--role", required=True, help=", ".join(Role.values))
        parser.add_argument("--unit", required=True, help="its name")
        parser.add_argument("--name", default="", help="as patients and colleagues read it")
        parser.add_argument("--email", default="", help="where they are told of what cannot wait")
        parser.add_argument("--phone", default="", help="the same, by text: a mobile number")

    def handle(self, *, username, role, unit, name, email, phone, **options):
        if role not in Role.values:
            raise CommandError(f"There is no role {role}. Roles are {', '.join(Role.values)}.")
        where = Unit.objects.filter(name__iexact=unit).first()
        if where is None:
            raise CommandError(f"There is no unit {unit}. {self._known_units()}")
        if User.objects.filter(username__iexact=username).exists():
            raise CommandError(f"{username} is taken.")
        number = phones.parse(phone, where.country_codes) if phone else ""
        if number is None:
            raise CommandError(f"{phone} is no number that texts go to. Write one such as 070-174 06 05.")
        password, made = (None, False) if role in WITHOUT_PASSWORD else self._password(username, name, email)
        try:
            with transaction.atomic():
                people.add_staff(
                    username=username,
                    name=name or username,
                    email=email,
                    phone=number,
                    role=role,
                    unit=where,
                    password=password,
                    password_given=made,
                    by=CONSOLE,
                )
                clinic.lay_out(where, by=CONSOLE)
        except Invalid as refusal:
            raise CommandError(" ".join(refusal.errors.values())) from None
        self.stdout.write(f"{username} works at {where.name}.")
        if made:
            self.stdout.write(f"They choose their own when they first sign in, within {GIVEN_PASSWORD.days} days.")
            self.stdout.write(f"Password, shown this once: {password}")
        if role in WITHOUT_PASSWORD:
            self.stdout.write(f"Make its key with: followup token {username}")

    def _password(self, username: str, name: str, email: str) -> tuple[str, bool]:
        """The password, and whether we made it up."""
        if sys.stdin.isatty():
            given = getpass.getpass("Password: ")
            if given != getpass.getpass("The same again: "):
                raise CommandError("The two were not the same. Nothing was changed.")
        else:
            given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            return people.new_password(), True
        try:
            validate_password(given, User(username=username, name=name, email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return given, False

    @staticmethod
    def _known_units() -> str:
        names = list(Unit.objects.order_by("name").values_list("name", flat=True)[:20])
        return f"Units are {', '.join(names)}." if names else "There is none yet: followup create-unit makes one."
