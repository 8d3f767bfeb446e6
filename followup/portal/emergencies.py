"""What the emergency pages say."""

from dataclasses import dataclass

from followup.context import clinic_of
from followup.people.models import Unit
from followup.portal.presenters import filled
from followup.programmes import text
from followup.programmes.schema import Rules


@dataclass(frozen=True)
class EmergencyWords:
    title: str
    signs: list[str]
    text: str
    afterwards: str
    not_watched: str


def emergency_words(rules: Rules, unit: Unit) -> EmergencyWords:
    """The care card of a programme, with the numbers of the unit."""
    clinic, card = clinic_of(unit), rules.emergency
    return EmergencyWords(
        title=filled(card.title, clinic),
        signs=[text(flag.ask) for flag in rules.red_flags if flag.level == "R0"],
        text=filled(card.text, clinic),
        afterwards=filled(card.afterwards, clinic),
        not_watched=filled(card.not_watched, clinic),
    )
