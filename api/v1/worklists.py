from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import Asked
from api.describing import operation
from api.paging import MOST, PARAMETERS, Page, paged
from api.v1.shapes import Id, MessageShape, Shape, Worklists, choice, read
from followup.callbacks import queries as calls
from followup.cases import queries as cases
from followup.core.errors import Invalid, NotAllowed
from followup.messages import queries as messages
from followup.messages.models import State
from followup.people import access


class MessageQuery(Shape):
    state = choice(State, required=False)
    patient = Id(required=False)


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


class AllWorklists(APIView):
    @operation(
        "readWorklists",
        "What needs a person",
        tag="worklists",
        gives={200: (f"The first {MOST} of each list, and how long each is.", Worklists)},
        refuses=[NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        access.require(request.user, "see_alerts")
        unit = access.unit_of(request.user)
        lists = {
            "at_risk": cases.at_risk(unit),
            "to_decide": calls.to_decide(unit),
            "asks": cases.open_asks(unit),
            "messages": messages.needs_a_person(unit),
        }
        counts = {name: rows.count() for name, rows in lists.items()}
        return Response(Worklists({"counts": counts, **{name: rows[:MOST] for name, rows in lists.items()}}).data)
