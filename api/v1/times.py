from datetime import UTC, datetime, timedelta
from uuid import UUID

from rest_framework import serializers
from rest_framework.fields import Field
from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import Asked
from api.describing import operation
from api.idempotency import once
from api.paging import PARAMETERS, Page, paged
from api.v1.shapes import AppointmentRequest, AppointmentRow, Moment, Shape, SlotShape, choice, read
from followup.cases.queries import case_for
from followup.clinic import queries as times
from followup.clinic.models import SlotKind, State
from followup.clinic.services import NoTimeWithinPromise, SlotTaken, TimeEnded
from followup.contacts import queries, services
from followup.contacts.services import RequestClosed
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed, Unknown
from followup.people import access

AHEAD = timedelta(days=14)


class Between(Shape):
    """Which times, by when they start."""

    def get_fields(self) -> dict[str, Field]:
        # "from" cannot be the name of a Python attribute.
        return {
            **super().get_fields(),
            "from": Moment(required=False, help_text="Times that start then or later."),
            "to": Moment(required=False, help_text="Times that start before."),
        }


class SlotQuery(Between):
    kind = choice(SlotKind, required=False)


class AppointmentQuery(Between):
    state = choice(State, required=False)
    case = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)


class Slots(APIView):
    @operation(
        "listFreeSlots",
        "Clinic times that are free",
        tag="clinic times",
        parameters=[SlotQuery, *PARAMETERS],
        gives={200: ("A page of times, the earliest first.", paged(SlotShape(many=True), "SlotPage"))},
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        """Staff see those of their unit, a patient those that suit their open request. From now for two weeks, unless said otherwise."""
        asked = read(SlotQuery, request)
        start = max(asked.get("from") or clock.now(), clock.now())
        free = queries.slots_for(
            request.user, start=start, end=asked.get("to") or _later(start), kind=asked.get("kind", "")
        )
        page = Page(request, free, ("starts_at", "id"))
        return Response(page.answer(SlotShape(page.rows, many=True).data))


def _later(start: datetime) -> datetime:
    """Two weeks after; the calendar itself ends in the year 9999."""
    last = datetime.max.replace(tzinfo=UTC)
    return last if start > last - AHEAD else start + AHEAD


class Appointments(APIView):
    @operation(
        "listAppointments",
        "Times that are held, booked or over, the latest start first",
        tag="clinic times",
        parameters=[AppointmentQuery, *PARAMETERS],
        gives={200: ("A page of appointments.", paged(AppointmentRow(many=True), "AppointmentPage"))},
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        access.require(request.user, "give_times")
        asked = read(AppointmentQuery, request)
        rows = times.in_unit(access.unit_of(request.user))
        columns = {"from": "slot__starts_at__gte", "to": "slot__starts_at__lt"}
        rows = rows.filter(**{columns.get(name, name): value for name, value in asked.items()})
        page = Page(request, rows, ("-slot__starts_at", "-id"))
        return Response(page.answer(AppointmentRow(page.rows, many=True).data))

    @operation(
        "giveTime",
        "Give or take a clinic time",
        tag="clinic times",
        takes=AppointmentRequest,
        gives={201: ("The appointment.", AppointmentRow)},
        refuses=[Invalid, NotAllowed, Unknown, NoTimeWithinPromise, SlotTaken, RequestClosed],
    )
    @once
    def post(self, request: Asked) -> Response:
        """Staff book. A patient chooses for a case of their own; while a call is owed that time is held, and the call decides.

        None left inside the promise: the case is at risk from this moment, and the coordinator is told.
        """
        asked = read(AppointmentRequest, request)
        case = case_for(request.user, asked["case"])
        slot = times.slot_for(request.user, asked["slot"]) if "slot" in asked else None
        given = services.give_time(case, slot=slot, by=request.user)
        return Response(AppointmentRow(times.appointment_for(request.user, given.id)).data, status=201)


class Cancel(APIView):
    @operation(
        "cancelAppointment",
        "Give a time back",
        tag="clinic times",
        gives={200: ("The appointment as it is now.", AppointmentRow)},
        refuses=[NotAllowed, Unknown, TimeEnded],
    )
    @once
    def post(self, request: Asked, appointment_id: UUID) -> Response:
        """Closes nothing: where nothing else is owed for the case, somebody rings. Cancelled twice it is cancelled once."""
        appointment = times.appointment_for(request.user, appointment_id)
        services.cancel_time(appointment, by=request.user)
        return Response(AppointmentRow(times.appointment_for(request.user, appointment_id)).data)
