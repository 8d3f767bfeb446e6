"""What needs a person: the same questions as the pages ask, each as a list of its own and all at a glance."""

from collections.abc import Callable
from typing import NamedTuple

from django.db.models import QuerySet
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import Asked
from api.describing import operation
from api.paging import PARAMETERS, Page, paged
from api.v1.shapes import AppointmentRow, AskShape, CallbackRow, CaseRow, MessageShape, Shape, choice, read
from followup.callbacks import queries as calls
from followup.cases import queries as cases
from followup.contacts import queries as contacts
from followup.core.errors import Invalid, NotAllowed
from followup.messages import queries as messages
from followup.messages.models import Channel, State
from followup.people import access
from followup.people.models import Unit

FIRST = 50


class Worklist(NamedTuple):
    """`rows` asks the room; `order` is the page's, of columns that are never null in these rows."""

    rows: Callable[[Unit], QuerySet]
    shape: type[serializers.Serializer]
    order: tuple[str, ...]
    words: str


WORKLISTS = {
    "at_risk": Worklist(
        cases.at_risk, CaseRow, ("at_risk_since", "id"), "Promises that cannot be kept unless somebody acts."
    ),
    "late": Worklist(calls.late, CallbackRow, ("due", "id"), "Calls of which the promise has passed."),
    "to_decide": Worklist(
        calls.to_decide,
        CallbackRow,
        ("decide_since", "id"),
        "The last try found nobody: a person decides, or a letter goes.",
    ),
    "held_near": Worklist(
        contacts.held_near, CaseRow, ("held_for_at", "id"), "Times that begin soon and are still only held."
    ),
    "unmarked": Worklist(
        contacts.unmarked, AppointmentRow, ("slot__starts_at", "id"), "Over, and nobody has said whether they came."
    ),
    "asks": Worklist(cases.open_asks, AskShape, ("due", "id"), "Left for clinicians."),
    "messages": Worklist(
        messages.needs_a_person,
        MessageShape,
        ("-created_at", "-id"),
        "Failed, or nobody can tell whether they arrived.",
    ),
    "no_channel": Worklist(
        cases.without_a_channel, CaseRow, ("patient__sort_key", "id"), "People whom only a letter reaches."
    ),
}

ALL_AT_ONCE = inline_serializer(
    "Worklists",
    {
        "counts": inline_serializer("WorklistCounts", {name: serializers.IntegerField() for name in WORKLISTS}),
        **{name: each.shape(many=True, help_text=each.words) for name, each in WORKLISTS.items()},
    },
)


class AllWorklists(APIView):
    @operation(
        "readWorklists",
        "What needs a person",
        tag="worklists",
        gives={
            200: (f"How long each list is, and the first {FIRST} of it; `/worklists/…` has the whole.", ALL_AT_ONCE)
        },
        refuses=[NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        access.require(request.user, "see_alerts")
        unit = access.unit_of(request.user)
        lists = {name: each.rows(unit).order_by(*each.order) for name, each in WORKLISTS.items()}
        counts = {name: rows.order_by().count() for name, rows in lists.items()}
        shown = {
            name: WORKLISTS[name].shape(rows[:FIRST] if counts[name] else [], many=True).data
            for name, rows in lists.items()
        }
        return Response({"counts": counts, **shown})


def worklist(name: str) -> type[APIView]:
    """The view of one list, in pages."""
    each = WORKLISTS[name]
    said = "".join(word.title() for word in name.split("_"))

    class OneWorklist(APIView):
        @operation(
            f"work{said}",
            each.words,
            tag="worklists",
            parameters=PARAMETERS,
            gives={200: ("A page of the list.", paged(each.shape(many=True), f"Work{said}Page"))},
            refuses=[Invalid, NotAllowed],
        )
        def get(self, request: Asked) -> Response:
            access.require(request.user, "see_alerts")
            page = Page(request, each.rows(access.unit_of(request.user)), each.order)
            return Response(page.answer(each.shape(page.rows, many=True).data))

    return OneWorklist


class MessageQuery(Shape):
    state = choice(State, required=False)
    channel = choice(Channel, required=False)
    patient = serializers.UUIDField(required=False)
    case = serializers.UUIDField(required=False)


class Messages(APIView):
    @operation(
        "listMessages",
        "What the people of the unit were told, newest first",
        tag="worklists",
        parameters=[MessageQuery, *PARAMETERS],
        gives={200: ("A page of messages.", paged(MessageShape(many=True), "MessagePage"))},
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        access.require(request.user, "see_patients")
        rows = messages.in_unit(access.unit_of(request.user)).filter(**read(MessageQuery, request))
        page = Page(request, rows, ("-created_at", "-id"))
        return Response(page.answer(MessageShape(page.rows, many=True).data))
