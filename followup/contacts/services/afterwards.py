"""After the call: what a clinician answers and how the patient hears of it, and a finished request that is opened again."""

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from followup.callbacks import queries as calls
from followup.cases import services as cases
from followup.cases.flows import FLOWS
from followup.cases.models import Ask, AskKind, Case, Way
from followup.cases.queries import open_contact_of
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.contacts import policy
from followup.contacts.services.ground import lay, owe_a_call, settle, tell, tell_of_time
from followup.core import clock
from followup.core.errors import Invalid, Refused
from followup.people.access import require
from followup.people.models import Patient, User

TOLD_BY = {Way.DONE: "prescription-done", Way.MESSAGE: "answered"}


class TooLateToReopen(Refused):
    code = "too-late-to-reopen"
    words = _("It was finished more than 24 hours ago. Enter a new request instead.")


class AnotherIsOpen(Refused):
    code = "another-request-open"
    words = _("The patient has another request that is open. Add to that one.")


class NotFinished(Refused):
    code = "not-finished"
    words = _("This request is still open.")


class NotOneSlip(Refused):
    code = "not-a-slip"
    words = _("Somebody has gone on with it, or a colleague opened it: it is closed by the answer to the question.")


SLIP = _("It was opened again by mistake.")


@transaction.atomic
def answer_ask(
    asked: Ask, *, by: User, words: str, slot: Slot | None = None, way: str = "", to_patient: str = ""
) -> Ask:
    """A clinician answers what a call left for them, perhaps with a time. A time held for the answer is let go if unused.

    `way`: the patient is told of a `time`, that the prescription is `done`, gets a `message` with the words `to_patient`, or is rung
    (`ring`). Whoever no message reaches is rung whatever was chosen. Raises `Invalid`, `AlreadyAnswered`, `SlotTaken`.
    """
    require(by, "answer_asks")
    if len(words) > policy.LONGEST_MESSAGE:
        raise Invalid({"words": policy.too_long()})
    way = policy.way_of_answer(asked.kind, way=way, has_time=slot is not None, to_patient=to_patient)
    case = cases.lock(asked.case_id)
    asked = cases.answer(asked, by=by, words=words, way=way, to_patient=to_patient.strip())
    rings = way == Way.RING or not case.patient.reachable_by
    if rings:
        _passed_on_by_a_nurse(case, asked, by=by)
    if slot:
        tell_of_time(case, "slot-confirmed", clinic.give(slot, case=case, by=by), by=by)
    elif not rings and _is_held_for_nothing(case):
        clinic.release(case=case, why="not needed", by=by)
    settle(case, by=by, outcome=asked.kind)
    if way in TOLD_BY:
        tell(case, TOLD_BY[Way(way)], occasion=str(asked.id), by=by, answers_them=False)
    return asked


def _is_held_for_nothing(case: Case) -> bool:
    is_asked = Ask.objects.filter(case=case, answered_at=None).exists()
    return not is_asked and Appointment.objects.filter(case=case, state="held").exists()


def _passed_on_by_a_nurse(case: Case, asked: Ask, *, by: User) -> None:
    """A nurse rings and says what was answered; where a call is owed already, the answer goes with that one."""
    callback = calls.open_of_case(case.id)
    if callback is None:
        reason = case.contact.reason
        promise = policy.call_back_for(case.programme.rules, case.unit.hours, reason, at=clock.now())
        callback = lay(case, owe_a_call(case, reason, promise, by=by), by=by)
    said = "\n".join(filter(None, [f"{by.name}: {asked.answer}", asked.to_patient]))
    callback.handed_note = "\n\n".join(filter(None, [callback.handed_note, said]))
    callback.save(update_fields=["handed_note"])


@transaction.atomic
def reopen(case: Case, *, by: User, why: str, to: User | None = None) -> Case:
    """A finished request goes to a clinician after all: `to`, or whoever is free, with the reason as the question.

    Pressed twice it is opened once. Raises `TooLateToReopen`, `AnotherIsOpen`, `NotFinished`, `Invalid`.
    """
    require(by, "reopen")
    Patient.objects.select_for_update(no_key=True).get(id=case.patient_id)
    case = cases.lock(case.id)
    if case.closed is None:
        if case.came_here_by_reopening():
            return case
        raise NotFinished
    _check_why(why)
    if not policy.may_reopen(case.closed, at=clock.now()):
        raise TooLateToReopen
    if open_contact_of(case.patient):
        raise AnotherIsOpen
    if to and not cases.clinicians_of(case.unit).filter(id=to.id).exists():
        raise cases.NotAClinician
    kind = AskKind.CLINICIAN_ASKED
    due = policy.asks_of(case.programme.rules, [kind], case.unit.hours, at=clock.now())[kind]
    cases.move(case, "with_clinician", by=by, due=due, why=why.strip(), by_hand=True)
    asked = cases.ask(case, kind, by=by, due=due, owner=to, note=why.strip())
    settle(case, by=by)
    tell(case, "reopened", occasion=str(asked.id), by=by, answers_them=False, call_by=due)
    return case


@transaction.atomic
def close_again(case: Case, *, by: User) -> Case:
    """Take back a `reopen` of one's own that was a mistake, while nobody has gone on with it; what was agreed before stands again.

    The patient, who was told that it is open, is told that too. Pressed twice it is closed once. Raises `NotOneSlip`.
    """
    require(by, "reopen")
    case = cases.lock(case.id)
    if case.closed:
        return case
    asked = question_of_reopening(case, by=by)
    if asked is None:
        raise NotOneSlip
    before = _led_to(case)
    with translation.override(case.patient.language):
        to_patient = gettext("We opened your request again by mistake. What we agreed before still stands.")
    asked = cases.answer(asked, by=by, words=str(SLIP), way=Way.MESSAGE, to_patient=to_patient)
    settle(case, by=by, outcome=before)
    tell(case, TOLD_BY[Way.MESSAGE], occasion=str(asked.id), by=by, answers_them=False)
    return case


def question_of_reopening(case: Case, *, by: User) -> Ask | None:
    """What `by` asked by opening this case again, if nothing has come of it yet."""
    if not case.came_here_by_reopening() or calls.open_of_case(case.id):
        return None
    if Appointment.objects.filter(case=case).live().exists():
        return None
    asks = list(Ask.objects.filter(case=case, answered_at=None))
    return asks[0] if len(asks) == 1 and asks[0].asked_by_id == by.id else None


def _led_to(case: Case) -> str:
    """What the case had led to when it was closed: by its last call, or by the answer that came after that."""
    called = calls.outcomes_of_cases([case.id])
    answers = Ask.objects.filter(case=case, answered_at__isnull=False).order_by("answered_at")
    ends = [(each.at, each.outcome) for each in called] + [(each.answered_at, each.kind) for each in answers]
    return max(ends)[1] if ends else ""


def _check_why(why: str) -> None:
    if not why.strip():
        raise Invalid({"why": str(cases.ReasonMissing.words)})
    if len(why) > policy.LONGEST_MESSAGE:
        raise Invalid({"why": policy.too_long()})


def moves_by_hand(case: Case) -> list[str]:
    """Where staff may move this case themselves, from where it stands."""
    return [to for step, to in sorted(FLOWS[case.kind].by_hand) if step == case.step]


def move_by_hand(case: Case, to: str, *, by: User, why: str) -> Case:
    """Staff move a case aside from what its rows say, where its flow allows that. Raises `MoveNotAllowed`, and what `reopen` raises."""
    require(by, "move_cases")
    if case.kind == "contact" and to == "with_clinician":
        return reopen(case, by=by, why=why)
    _check_why(why)
    with transaction.atomic():
        return cases.move(cases.lock(case.id), to, by=by, why=why.strip(), by_hand=True)
