"""Reading what the closing of a session means to people: before it, and afterwards."""

from dataclasses import dataclass

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases.models import Case
from followup.clinic import queries as times
from followup.clinic.models import Appointment, Session, SessionKind
from followup.core import clock

CLOSED = "session closed"
"""The word that stands with an appointment that ended because its session closed."""


def calls_laid_into(session: Session) -> list[Callback]:
    """Calls whose window begins while this nurse should sit there and nobody else does; none for a clinic session."""
    if session.kind != SessionKind.NURSE_LINE:
        return []
    start, end = max(session.starts_at, clock.now()), session.ends_at
    laid = calls.in_queue(session.unit).filter(window_start__lt=end, window_end__gt=start, decide_since=None)
    others = times.nurse_hours(session.unit, start, end, besides=session)
    return [
        each
        for each in laid.filter(state="waiting")
        if not any(begin <= max(each.window_start, start) < until for begin, until in others)
    ]


@dataclass(frozen=True)
class Became:
    """Somebody who had a time in a session that was closed, and where they stand now."""

    lost: Appointment
    case: Case
    kept: Appointment | None
    callback: Callback | None


def became(session: Session) -> list[Became]:
    """Everybody whose time ended because the session closed, in order of time. For a visit: the request in which they are rung."""
    lost = Appointment.objects.filter(slot__session=session, ended_why=CLOSED).select_related("slot", "case", "patient")
    rows = list(lost.order_by("slot__starts_at", "id"))
    requests = Case.objects.open().filter(patient__in=[row.patient_id for row in rows], kind="contact")
    request_of = {case.patient_id: case for case in requests}
    stands = {
        row.id: row.case if row.case.kind == "contact" else request_of.get(row.patient_id, row.case) for row in rows
    }
    ids = [case.id for case in stands.values()]
    kept, owed = times.of_cases(ids), calls.of_cases(ids)
    return [
        Became(lost=row, case=case, kept=kept.get(case.id), callback=owed.get(case.id))
        for row in rows
        for case in [stands[row.id]]
    ]
