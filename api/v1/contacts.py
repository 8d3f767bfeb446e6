from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import Asked
from api.describing import operation
from api.idempotency import once
from api.paging import PARAMETERS, Page, paged
from api.v1.shapes import ContactRequest, ContactShape, Shape, choice, read
from followup.cases import queries as cases
from followup.cases.flows import CONTACT
from followup.cases.services import NotInAProgramme
from followup.contacts import queries, services
from followup.contacts.models import Channel
from followup.core.errors import Invalid, NotAllowed, Unknown
from followup.people import access
from followup.people.models import Patient, User


class ContactQuery(Shape):
    open = serializers.BooleanField(required=False, allow_null=True, default=None)
    at_risk = serializers.BooleanField(required=False, allow_null=True, default=None)
    step = serializers.ChoiceField(choices=CONTACT.steps, required=False)
    reason = serializers.CharField(required=False)
    channel = choice(Channel, required=False)
    patient = serializers.UUIDField(required=False)


class Contacts(APIView):
    @operation(
        "sendContact",
        "Get in touch",
        tag="contacts",
        takes=ContactRequest,
        gives={201: ("A new request.", ContactShape), 200: ("Added to the request that was open.", ContactShape)},
        refuses=[Invalid, NotAllowed, Unknown, NotInAProgramme],
    )
    @once
    def post(self, request: Asked) -> Response:
        """Somebody feels worse, worries or needs something.

        There is one open request for each person: what is sent while it is open is added to it, and it may only become more urgent.
        Call and clinic time follow within seconds: `callback.window_start` and `appointment` are null until then.
        """
        asked = read(ContactRequest, request)
        patient = _whom(request.user, asked.pop("patient", None))
        own = Channel.WEB if request.user.as_patient else Channel.PHONE
        contact = services.receive(patient=patient, by=request.user, **{"channel": own, **asked})
        if contact.added_to:
            return Response(ContactShape(queries.standing_for(request.user, contact.id)).data)
        return Response(ContactShape(queries.standing_at_first(contact)).data, status=201)

    @operation(
        "listContacts",
        "The contacts of the unit, newest first",
        tag="contacts",
        parameters=[ContactQuery, *PARAMETERS],
        gives={200: ("A page of contacts.", paged(ContactShape(many=True), "ContactPage"))},
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        access.require(request.user, "see_patients")
        asked = read(ContactQuery, request)
        rows = cases.visible_to(request.user).filter(kind="contact")
        if "open" in asked:
            rows = rows.filter(closed__isnull=asked["open"])
        if "at_risk" in asked:
            rows = rows.filter(at_risk_since__isnull=not asked["at_risk"])
        columns = {"step": "step", "patient": "patient", "reason": "contact__reason", "channel": "contact__channel"}
        rows = rows.filter(**{column: asked[name] for name, column in columns.items() if name in asked})
        page = Page(request, rows, ("-opened", "-id"))
        return Response(page.answer(ContactShape(queries.standings(page.rows), many=True).data))


class OneContact(APIView):
    @operation(
        "readContact",
        "Where a contact stands",
        tag="contacts",
        gives={200: ("The contact.", ContactShape)},
        refuses=[Unknown],
    )
    def get(self, request: Asked, contact_id: UUID) -> Response:
        """Staff who read it leave a line that the patient can see."""
        standing = queries.standing_for(request.user, contact_id)
        access.open_record(standing.patient, by=request.user, where="contact")
        return Response(ContactShape(standing).data)


def _whom(user: User, named: UUID | None) -> Patient:
    """Staff name the patient; everybody else speaks for themselves."""
    if user.as_patient:
        if named not in (None, user.as_patient.id):
            raise Unknown
        return user.as_patient
    access.require(user, "enter_requests")
    if named is None:
        raise Invalid({"patient": _("Say whom it is about.")})
    patient = access.patient_for(user, named)
    access.open_record(patient, by=user, where="contact")
    return patient
