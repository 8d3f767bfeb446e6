"""What needs a person: the page and the number beside its name in the menu come from the same questions."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Exists, OuterRef, Q, QuerySet, UUIDField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from followup.callbacks import queries as calls
from followup.cases import queries as cases
from followup.cases.models import Case
from followup.contacts import escalations, shortages
from followup.contacts.models import Contact
from followup.contacts.queries import held_near, unmarked
from followup.core import outbox
from followup.messages import queries as messages
from followup.people.access import may
from followup.people.models import Unit, User


@dataclass(frozen=True)
class Alerts:
    """Everything that waits for somebody to act; `count` is the number of lines, in one statement."""

    red_flags: QuerySet
    at_risk: QuerySet
    held_near: QuerySet
    late: QuerySet
    to_decide: QuerySet
    late_asks: QuerySet
    unmarked: QuerySet
    messages: QuerySet
    no_channel: QuerySet
    given_up: QuerySet

    @cached_property
    def count(self) -> int:
        first, *others = (
            rows.order_by().values_list(Value(1)) for rows in vars(self).values() if isinstance(rows, QuerySet)
        )
        return first.union(*others, all=True).count()


def alerts(unit: Unit) -> Alerts:
    return Alerts(
        red_flags=escalations.red_flags(unit),
        at_risk=shortages.in_order(unit.id).select_related("patient", "programme", "contact"),
        held_near=held_near(unit),
        late=calls.late(unit),
        to_decide=calls.to_decide(unit),
        late_asks=cases.late_asks(unit),
        unmarked=unmarked(unit),
        messages=messages.needs_a_person(unit),
        no_channel=cases.without_a_channel(unit),
        given_up=given_up(unit),
    )


def given_up(unit: Unit) -> QuerySet:
    """Work that was given up and concerns this unit; what names no unit, no case and no request is everybody's to see."""

    def named(key: str) -> Cast:
        return Cast(KeyTextTransform(key, OuterRef("payload")), UUIDField())

    of_a_case = Exists(Case.objects.filter(unit=unit, id=named("case_id")))
    of_a_request = Exists(Contact.objects.filter(case__unit=unit, id=named("contact_id")))
    nobodys = ~Q(payload__has_any_keys=["unit_id", "case_id", "contact_id"])
    return outbox.given_up().filter(Q(payload__unit_id=str(unit.id)) | of_a_case | of_a_request | nobodys)


def asks_for(user: User) -> QuerySet:
    """What waits for this clinician: theirs, and what is anybody's. Whoever only gives them out sees them all."""
    owner = user if may(user, "answer_asks") else None
    return cases.open_asks(user.unit, owner=owner).select_related(
        "case__programme", "case__patient", "asked_by", "owner"
    )
