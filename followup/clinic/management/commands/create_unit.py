"""followup create-unit NAME --programme P --timezone Z: a clinic with hours, closed days and six weeks of rota.

The rota is laid for those who work there: each `create-staff` adds theirs.
"""

from datetime import date
from zoneinfo import available_timezones

import phonenumbers
from babel.core import get_global
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from followup.clinic import services as clinic
from followup.core import clock
from followup.core.errors import Invalid, Refused
from followup.core.hours import swedish_eves
from followup.core.journal import System
from followup.people import phones
from followup.people import services as people
from followup.programmes import queries as programmes
from followup.programmes import services as programme_services

CONSOLE = System("console")
SERVED_TOO = (46, 44)
"""Beside the country's own code: texts go to patients abroad in these countries, and to nobody farther away."""

NATIONAL = {
    "SE": {"holidays": "SE", "language": "sv", "emergency_number": "112", "advice_number": "1177"},
    "GB": {"holidays": "GB-ENG", "language": "en", "emergency_number": "999", "advice_number": "111"},
}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("name")
        parser.add_argument("--programme", required=True, help="what it follows people up in, such as ibd")
        parser.add_argument("--timezone", required=True, help="such as Europe/Stockholm")
        parser.add_argument("--sender", default="", help="the name in messages; it must not tell the disease")
        parser.add_argument("--phone", default="", help="the clinic's number as people read it")
        parser.add_argument("--place", default="", help="where patients come to")
        parser.add_argument(
            "--country-codes",
            type=int,
            nargs="+",
            help="where texts go to, such as 46 44; the first is the one in which numbers without a code are read",
        )
        parser.add_argument("--on-call-email", default="", help="told of what cannot wait while the clinic is closed")
        parser.add_argument("--on-call-phone", default="", help="the same, by text: a mobile number")

    def handle(self, *, name, programme, timezone, sender, phone, place, country_codes, **options):
        if timezone not in available_timezones():
            raise CommandError(f"{timezone} is no time zone. Write one such as Europe/Stockholm.")
        country = get_global("zone_territories").get(timezone, "")
        columns = {"phone": phone, "place": place, **national(country)}
        columns["country_codes"] = served(country_codes) if country_codes else codes(country)
        if sender:
            columns["sender"] = sender
        number = phones.parse(options["on_call_phone"], columns["country_codes"]) if options["on_call_phone"] else ""
        if number is None:
            raise CommandError(f"{options['on_call_phone']} takes no texts from here. Write one such as 070-174 06 05.")
        columns |= {"on_call_email": options["on_call_email"], "on_call_phone": number}
        try:
            programme_services.load_shipped(by=CONSOLE)
            programmes.current(programme)
            with transaction.atomic():
                unit = people.add_unit(
                    name=name, timezone=timezone, own_closed_days=eves(country), by=CONSOLE, **columns
                )
                clinic.lay_out(unit, by=CONSOLE)
        except Invalid as refusal:
            raise CommandError(" ".join(refusal.errors.values())) from None
        except Refused as refusal:
            raise CommandError(f"{programme}: {refusal}") from None
        self.stdout.write(f"{unit.name} is there. Staff come in with: followup create-staff")
        self.stdout.write("Patients come in with: followup import-patients")
        if not phone:
            self.stderr.write("Its pages and messages say “the clinic's number” instead of one: --phone was not given.")


def national(country: str) -> dict[str, str]:
    return NATIONAL.get(country, {"language": "en", "advice_number": ""})


def served(asked: list[int]) -> list[int]:
    unknown = [code for code in asked if code not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
    if unknown:
        raise CommandError(f"There is no country code {unknown[0]}. Write codes such as 46 44.")
    return list(dict.fromkeys(asked))


def codes(country: str) -> list[int]:
    own = phonenumbers.country_code_for_region(country)
    return list(dict.fromkeys(([own] if own else []) + list(SERVED_TOO)))


def eves(country: str) -> dict[date, str]:
    """Days on which a Swedish clinic is closed though the law calls them working days: this year's and the next two."""
    if country != "SE":
        return {}
    this_year = clock.now().year
    return {day: "eve" for year in range(this_year, this_year + 3) for day in sorted(swedish_eves(year))}
