"""Reading cases: one query per number."""

from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q

from followup.cases.models import Ask, Case, CaseWords, Move, Shortage
from followup.core import clock
from followup.core.errors import Unknown
from followup.core.reads import prepared
from followup.people.access import patients_visible_to
from followup.people.models import Patient, Unit, User


def visible_to(user: User) -> CaseWords:
    return Case.objects.filter(patient__in=patients_visible_to(user)).select_related("patient", "unit", "programme")


def case_for(user: User, case_id: UUID | str) -> Case:
    """That case, if this person may know of it; else `Unknown`."""
    case = visible_to(user).filter(id=case_id).first()
    if case is None:
        raise Unknown
    return case


def open_contact_of(patient: Patient) -> Case | None:
    case = _open_contact_of.first(patient.id)
    if case:
        case.patient = patient
    return case


@prepared
def _open_contact_of(patient_id: UUID) -> CaseWords:
    return Case.objects.open().filter(patient=patient_id, kind="contact").select_related("unit", "programme")


def at_risk(unit: Unit) -> CaseWords:
    """Cases whose promise cannot be kept unless somebody acts, the most urgent first."""
    return Case.objects.at_risk().of_unit(unit).select_related("patient").order_by("due", "opened")


def at_risk_by_shortage() -> dict[str, int]:
    """How many promises cannot be kept unless somebody acts, over all units, by what is short."""
    found = Case.objects.at_risk().order_by().values_list("shortage").annotate(Count("id"))
    return dict.fromkeys(Shortage.values, 0) | dict(found)


def cases_of(patient: Patient) -> CaseWords:
    """The cases of a patient with their moves, open ones first, then the latest."""
    in_order = Case.objects.filter(patient=patient).order_by(F("closed").desc(nulls_first=True), "-opened")
    moves = Prefetch("moves", Move.objects.order_by("at", "id"))
    return in_order.select_related("programme").prefetch_related(moves)


def ask_for(user: User, ask_id: UUID | str) -> Ask:
    """What was asked, if this person may know of its case; else `Unknown`."""
    rows = Ask.objects.filter(case__in=visible_to(user))
    asked = (
        rows.select_related("case__patient", "case__unit", "case__programme", "asked_by", "owner", "answered_by")
        .filter(id=ask_id)
        .first()
    )
    if asked is None:
        raise Unknown
    return asked


def without_a_channel(unit: Unit) -> CaseWords:
    """People whom neither a call nor a message reaches, only a letter: of each the open case that was opened last."""
    later = Q(opened__gt=OuterRef("opened")) | Q(opened=OuterRef("opened"), id__gt=OuterRef("id"))
    another = Case.objects.open().of_unit(unit).filter(later, patient=OuterRef("patient"))
    nothing = Case.objects.open().of_unit(unit).filter(~Exists(another), patient__phone="", patient__email="")
    return nothing.select_related("patient").order_by("patient__sort_key", "id")


def open_asks(unit: Unit, owner: User | None = None):
    """What calls left for clinicians and nobody has answered; for `owner`: theirs and those that are anybody's."""
    asks = (
        Ask.objects.filter(case__unit=unit, answered_at=None)
        .select_related("case__patient", "asked_by", "owner")
        .order_by("due")
    )
    return asks.filter(owner__in=[owner]) | asks.filter(owner=None) if owner else asks


def late_asks(unit: Unit):
    """What calls left for clinicians and should have been answered by now, the longest first."""
    return open_asks(unit).filter(due__lt=clock.now())
