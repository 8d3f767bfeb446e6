from typing import Any
from uuid import UUID

from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import Asked
from api.describing import operation
from api.paging import PARAMETERS, Page, paged
from api.v1.shapes import CaseWithContact, With
from followup.cases import queries as cases
from followup.contacts import queries as contacts
from followup.core.errors import Invalid, NotAllowed, Unknown
from followup.people import access
from followup.people.models import Patient

PAGE = {200: ("A page of cases, newest first.", paged(CaseWithContact(many=True), "CasePage"))}


class MyCases(APIView):
    @operation(
        "listMyCases",
        "What is going on with me",
        tag="people",
        parameters=PARAMETERS,
        gives=PAGE,
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        access.require(request.user, "get_in_touch")
        return Response(_cases(request, request.user.as_patient))


class CasesOfPatient(APIView):
    @operation(
        "listCasesOfPatient",
        "What is going on with a patient",
        tag="people",
        parameters=PARAMETERS,
        gives=PAGE,
        refuses=[Invalid, Unknown],
    )
    def get(self, request: Asked, patient_id: UUID) -> Response:
        """Staff who read it leave a line that the patient can see."""
        patient = access.patient_for(request.user, patient_id)
        access.open_record(patient, by=request.user, where="patient page")
        return Response(_cases(request, patient))


def _cases(request: Asked, patient: Patient) -> dict[str, Any]:
    page = Page(request, cases.visible_to(request.user).filter(patient=patient), ("-opened", "-id"))
    told = {each.case.id: each for each in contacts.standings([case for case in page.rows if case.kind == "contact"])}
    rows = [With(case, contact=told.get(case.id)) for case in page.rows]
    return page.answer(CaseWithContact(rows, many=True).data)
