"""Telephone numbers: any spacing is accepted, E.164 is stored."""

from collections.abc import Sequence

import phonenumbers


def parse(typed: str, country_codes: Sequence[int]) -> str | None:
    """The number in E.164 if it is possible and of a country the unit serves, else None.

    Possible, not valid: numbers kept for drama and tests are possible only. National spelling is read as of the first country.
    """
    region = phonenumbers.region_code_for_country_code(country_codes[0]) if country_codes else None
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or number.country_code not in country_codes:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def takes_texts(number: str) -> bool:
    """Whether an E.164 number may be one of a mobile: all but those that are known to be fixed lines."""
    return phonenumbers.number_type(phonenumbers.parse(number)) != phonenumbers.PhoneNumberType.FIXED_LINE


def shown(number: str) -> str:
    """An E.164 number as people write it, in international form."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number
