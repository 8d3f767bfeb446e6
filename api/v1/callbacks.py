from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import Asked
from api.describing import operation
from api.idempotency import once
from api.paging import PARAMETERS, Page, paged
from api.v1.shapes import (
    AfterTheCall,
    CallbackRow,
    CallRequest,
    ClaimedShape,
    OutcomeRequest,
    Shape,
    With,
    choice,
    read,
)
from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import OPEN, State
from followup.callbacks.services import AlreadyEnded, NotYours, PatientOnTheLine
from followup.clinic import queries as times
from followup.clinic.services import SlotTaken, TimeEnded
from followup.contacts import queries, services
from followup.core.errors import Invalid, NotAllowed, Unknown
from followup.people import access
from followup.people.models import User
from followup.people.queries import clinicians_of

LOST = [Unknown, NotYours, AlreadyEnded, PatientOnTheLine]
NOW = "The callback as it is now."


class CallbackQuery(Shape):
    state = choice(State, required=False, help_text="Left out: those that wait or are claimed.")
    mine = serializers.BooleanField(required=False, allow_null=True, default=None, help_text="1: claimed by me.")
    case = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)


class Callbacks(APIView):
    @operation(
        "listCallbacks",
        "The call queue of the unit, in the order in which it is rung",
        tag="callbacks",
        parameters=[CallbackQuery, *PARAMETERS],
        gives={200: ("A page of calls.", paged(CallbackRow(many=True), "CallbackPage"))},
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        """Calls that are over come newest first."""
        access.require(request.user, "answer_calls")
        asked = read(CallbackQuery, request)
        state = asked.get("state", "")
        rows = calls.in_unit(access.unit_of(request.user), state=state)
        rows = rows.filter(**{name: asked[name] for name in ("case", "patient") if name in asked})
        if asked.get("mine"):
            rows = rows.filter(claimed_by=request.user)
        is_over = state and state not in OPEN
        page = Page(request, rows, ("-ended_at", "-id") if is_over else ("priority", "due", "arrived_at", "id"))
        return Response(page.answer(CallbackRow(page.rows, many=True).data))


class Claim(APIView):
    @operation(
        "claimNextCallback",
        "Take the next call",
        tag="callbacks",
        gives={200: ("It is yours until `lease_until`.", ClaimedShape), 204: ("Nobody can be rung now.", None)},
        refuses=[NotAllowed],
    )
    @once
    def post(self, request: Asked) -> Response:
        """The most urgent that may be rung now, with everything about the patient; no two nurses get the same one.

        Until you use it (extend, dial, outcome) a repeated claim gives the same one: an answer that was lost costs nothing.
        """
        callback = callbacks.claim_next(by=request.user)
        if callback is None:
            return Response(status=204)
        told = queries.briefing(calls.callback_for(request.user, callback.id))
        access.open_record(told.patient, by=request.user, where="call")
        patient = With(told.patient, enrolment=told.enrolment, booked=told.booked, earlier=told.earlier)
        outcomes, contact = told.standing.outcomes, told.standing
        claimed = With(told.callback, tries=told.tries, outcomes=outcomes, contact=contact, patient=patient)
        return Response(ClaimedShape.of(claimed))


class Extend(APIView):
    @operation(
        "extendCallback", "Keep it", tag="callbacks", gives={200: (NOW, CallbackRow)}, refuses=[NotAllowed, *LOST]
    )
    @once
    def post(self, request: Asked, callback_id: UUID) -> Response:
        """Use renews the lease; one that ran out is renewed too, while nobody else has the call."""
        callbacks.extend(calls.callback_for(request.user, callback_id), by=request.user)
        return _now(request.user, callback_id)


class Release(APIView):
    @operation(
        "releaseCallback",
        "Give it back",
        tag="callbacks",
        takes=CallRequest,
        gives={200: (NOW, CallbackRow)},
        refuses=[NotAllowed, *LOST],
    )
    @once
    def post(self, request: Asked, callback_id: UUID) -> Response:
        """Back into the queue; `note` is for whoever comes next."""
        callback = calls.callback_for(request.user, callback_id)
        services.give_back(callback, by=request.user, **read(CallRequest, request))
        return _now(request.user, callback_id)


class Dial(APIView):
    @operation("dialCallback", "Ring", tag="callbacks", gives={200: (NOW, CallbackRow)}, refuses=[NotAllowed, *LOST])
    @once
    def post(self, request: Asked, callback_id: UUID) -> Response:
        """Logs the try, and the patient's page says that somebody rings. Once more while that try has no result is the same try."""
        services.dial(calls.callback_for(request.user, callback_id), by=request.user)
        return _now(request.user, callback_id)


class Outcome(APIView):
    @operation(
        "finishCallback",
        "Say what the call led to",
        tag="callbacks",
        takes=OutcomeRequest,
        gives={200: ("The callback, and where its contact stands now.", AfterTheCall)},
        refuses=[Invalid, NotAllowed, *LOST, SlotTaken, TimeEnded],
    )
    @once
    def post(self, request: Asked, callback_id: UUID) -> Response:
        """Nothing closes without an outcome; `no_answer` records a try and closes nothing."""
        callback = calls.callback_for(request.user, callback_id)
        said = _said(request.user, read(OutcomeRequest, request))
        services.finish(callback, by=request.user, **said)
        callback = calls.callback_for(request.user, callback_id)
        return Response(AfterTheCall.of(With(callback, contact=queries.standing(callback.case))))


def _now(user: User, callback_id: UUID) -> Response:
    return Response(CallbackRow.of(calls.callback_for(user, callback_id)))


def _said(user: User, asked: dict[str, Any]) -> dict[str, Any]:
    """The outcome with the rows that its ids name."""
    if "slot" in asked:
        asked["slot"] = times.slot_for(user, asked["slot"])
    if "to" in asked:
        asked["to"] = clinicians_of(access.unit_of(user)).filter(id=asked["to"]).first()
        if asked["to"] is None:
            raise Unknown
    return asked
