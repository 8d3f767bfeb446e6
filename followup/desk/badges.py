"""What needs a person: the page and the number beside its name in the menu come from the same questions."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import QuerySet, Value

from followup.callbacks import queries as calls
from followup.cases import queries as cases
from followup.core import outbox
from followup.messages import queries as messages
from followup.people.access import may
from followup.people.models import Unit, User


@dataclass(frozen=True)
class Alerts:
    """Everything that waits for somebody to act; `count` is the number of lines, in one statement."""

    at_risk: QuerySet
    late: QuerySet
    to_decide: QuerySet
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
        at_risk=cases.at_risk(unit).select_related("programme", "contact"),
        late=calls.late(unit),
        to_decide=calls.to_decide(unit),
        messages=messages.needs_a_person(unit),
        no_channel=cases.without_a_channel(unit),
        given_up=outbox.given_up(),
    )


def asks_for(user: User) -> QuerySet:
    """What waits for this clinician: theirs, and what is anybody's. Whoever only gives them out sees them all."""
    owner = user if may(user, "answer_asks") else None
    return cases.open_asks(user.unit, owner=owner).select_related(
        "case__programme", "case__patient", "asked_by", "owner"
    )
