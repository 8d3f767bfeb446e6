"""Where a request stands, in words for the patient: what comes next, by when, and whose move it is. Pure: rows in, sentences out."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followup.cases.models import Shortage
from followup.clinic.models import State
from followup.contacts import policy
from followup.contacts.queries import Standing
from followup.core import words
from followup.people.models import Unit
from followup.portal.presenters import number_of, outcome_of, time_and_place
from followup.portal.timeline import CALL_STEPS, Step, steps_of


@dataclass(frozen=True)
class Standpoint:
    """Where a request stands, in words for the patient.

    `state` is of the vocabulary of a step (clinic, active, due, late, patient, done) and `tag` its words; `call` is the sentence about what
    comes next, `notes` what else is to know, `kept` the time that is kept or booked. `settled` is False while the booking is on its way.
    """

    state: str
    tag: str
    call: str
    kept: str
    notes: list[str]
    next_move: str
    promised: str
    if_nothing: str
    settled: bool
    can_say_free: bool = False
    steps: list[Step] = field(default_factory=list)


def standpoint(standing: Standing, at: datetime) -> Standpoint:
    say = _Sayer(standing, at)
    state = say.state()
    return Standpoint(
        state=state,
        tag=say.tag(state),
        call=say.call(),
        kept=say.kept(),
        notes=say.notes(),
        next_move=say.next_move(),
        promised=say.promised(),
        if_nothing=say.if_nothing(),
        settled=standing.case.step != "received",
        can_say_free=say.can_say_free(),
        steps=steps_of(standing, promised=say.promised(), at=at),
    )


class _Sayer:
    """One standing at one moment, asked for its sentences."""

    def __init__(self, standing: Standing, at: datetime):
        self.standing, self.at = standing, at
        self.case, self.contact, self.callback = standing.case, standing.contact, standing.callback
        self.unit: Unit = standing.case.unit
        self.step: str = standing.case.step
        self.late = standing.promise_passed and self.step != "clinic_time"
        self.time = standing.kept_time

    def moment(self, value: datetime) -> str:
        return words.moment(value, zone=self.unit.zone, now=self.at)

    def day_and_time(self, value: datetime) -> str:
        return words.day_and_time(value, zone=self.unit.zone, now=self.at)

    def by(self) -> str:
        """By when, in words; when that moment has passed, the new one."""
        due = policy.late_call_by(self.unit.hours, self.at) if self.late else self.case.due
        return self.moment(due) if due else ""

    # where it stands

    def state(self) -> str:
        if self.step == "closed":
            return "done"
        if self.step == "ringing":
            return "active"
        if self.late:
            return "late"
        if self.step == "clinic_time":
            return "patient"
        due_today = self.case.due and self.unit.hours.day_of(self.case.due) == self.unit.hours.day_of(self.at)
        return "due" if due_today else "clinic"

    def tag(self, state: str) -> str:
        return {
            "done": _("Completed"),
            "active": _("A nurse is calling you"),
            "late": _("We are late"),
            "patient": _("Booked"),
            "due": _("Today"),
            "clinic": _("With a clinician") if self.step == "with_clinician" else _("With the nurses"),
        }[state]

    # what comes next

    def call(self) -> str:
        if self.step in CALL_STEPS:
            return self._call_that_is_owed()
        if self.step == "with_clinician":
            return self._answer_that_is_owed()
        if self.step == "clinic_time":
            return _("We have spoken, and you have a time at the clinic.")
        return (
            outcome_of(self.standing.rules, self.standing.outcomes[0]) if self.standing.outcomes else _("This is done.")
        )

    def _call_that_is_owed(self) -> str:
        said = {"moment": self.by(), "phone": number_of(self.unit)}
        if self.step == "ringing":
            return _("A nurse is calling you now, from %(phone)s.") % said
        if self.callback and self.callback.decide_since:
            return self._please_ring()
        if self.late:
            return _("We are late, and we are sorry. You are still in the queue. New time: before %(moment)s.") % said
        if self.callback and self.callback.said_free_at:
            return self._free_now(said)
        if self.step == "unreached" and self.callback:
            return _("We could not reach you. We try again from %(again)s, from %(phone)s.") % (
                said | {"again": self.moment(self.callback.not_before)}
            )
        return _("A nurse will call you before %(moment)s, from %(phone)s.") % said

    def can_say_free(self) -> bool:
        """They missed our call, and have not told us yet that they are free now."""
        missed = self.callback is not None and self.callback.ended_at is None and self.callback.unanswered > 0
        return missed and self.step != "ringing" and self.callback.said_free_at is None

    def _free_now(self, said: dict[str, str]) -> str:
        if self.unit.hours.is_open(self.at):
            return (
                _("You have told us that you are free now. A nurse calls you before %(moment)s, from %(phone)s.") % said
            )
        said["opens"] = self.moment(self.unit.hours.next_opening(self.at))
        return (
            _("You have told us that you are free. We are closed now, and call you from %(opens)s, before %(moment)s.")
            % said
        )

    def _please_ring(self) -> str:
        """Nobody is asked to ring a closed clinic."""
        said = {"phone": number_of(self.unit)}
        if self.unit.hours.is_open(self.at):
            return _("We have not been able to reach you. Your request stays open. Please ring us on %(phone)s.") % said
        said["moment"] = self.moment(self.unit.hours.next_opening(self.at))
        return (
            _(
                "We have not been able to reach you. Your request stays open. Please ring us on %(phone)s from %(moment)s."
            )
            % said
        )

    def _answer_that_is_owed(self) -> str:
        if self.late:
            return _(
                "We are late with your answer, and we are sorry. It is not forgotten. New time: before %(moment)s."
            ) % {"moment": self.by()}
        return _("A clinician is looking at what we talked about. You hear from us before %(moment)s.") % {
            "moment": self.by()
        }

    def kept(self) -> str:
        """The sentence about the time that is kept or booked, or nothing."""
        if self.time is None:
            return ""
        said = {"time": self.day_and_time(self.time.slot.starts_at), "place": self.time.slot.place}
        if self.time.state == State.HELD and self.step == "with_clinician":
            return _("A time is kept for you on %(time)s. Do not come before you have heard from us.") % said
        if self.time.state == State.HELD:
            return _("A time is kept for you on %(time)s. Do not come before we have spoken.") % said
        if self.time.slot.starts_at < self.at:
            return _("Your time was %(time)s, %(place)s.") % said
        if self.step == "clinic_time":
            return f"{capfirst(time_and_place(self.time, self.at))}."
        return _("Your time at the clinic: %(time)s, %(place)s.") % said

    def notes(self) -> list[str]:
        notes = (
            self._earliest(),
            self._tries(),
            self._if_worse(),
            self._told_before(),
            self._no_time(),
            self._keeps_the_visit(),
            self._until_the_time(),
        )
        return [note for note in notes if note]

    def _earliest(self) -> str:
        """When the call can come at the earliest, if that is not now."""
        if self.step not in ("received", "call_booked") or self.callback is None or self.late:
            return ""
        earliest = self.unit.hours.next_opening(max(self.at, self.callback.window_start or self.callback.not_before))
        if earliest <= self.at:
            return ""
        if self.unit.hours.is_open(self.at):
            return _("We call you from %(moment)s at the earliest.") % {"moment": self.moment(earliest)}
        return _("We are closed now. We call you from %(moment)s at the earliest.") % {"moment": self.moment(earliest)}

    def _tries(self) -> str:
        if self.step != "unreached" or not self.callback or not self.callback.unanswered:
            return ""
        if self.callback.decide_since:
            return _("We have tried %(count)s times. You can also write here when it suits you to talk.") % {
                "count": self.callback.unanswered
            }
        return ngettext(
            "We have tried once. Have your phone with you, and answer even if you do not know the number.",
            "We have tried %(count)s times. Have your phone with you, and answer even if you do not know the number.",
            self.callback.unanswered,
        ) % {"count": self.callback.unanswered}

    def _if_worse(self) -> str:
        """Whom we keep waiting is told again that nobody has to."""
        if not self.late or self.step not in ("received", "call_booked", "unreached"):
            return ""
        return _("Are you worse? Do not wait for our call. Ring us on %(phone)s, or %(advice)s when we are closed.") % {
            "phone": number_of(self.unit),
            "advice": words.advice_line(self.unit.advice_number),
        }

    def _told_before(self) -> str:
        """A flare-up soon after another: nobody has to tell the first one again."""
        if self.step not in CALL_STEPS or self.contact.follows is None:
            return ""
        before = words.day_name(self.contact.follows.received_at, zone=self.unit.zone)
        return _("You told us that you felt worse on %(day)s too. The nurse sees both.") % {"day": before}

    def _no_time(self) -> str:
        """Honest words where no time could be kept."""
        if not self.case.shortage:
            return ""
        if self.time:
            return _("You have told us that this time does not suit you. When we call, we find another one together.")
        if self.case.shortage == Shortage.NEEDS_A_TIME:
            return _("You need a time at the clinic and none is free yet. The clinic knows, and finds one for you.")
        if self.contact.see_by is None:
            return _(
                "The clinic is closed for the next days, so we could not keep a time for you. When we call, we find a way together."
            )
        if self.contact.see_by <= self.at:
            return _(
                "No time could be kept for you inside three days. The clinic knows, and when we call, we find a way together."
            )
        return _(
            "No time at the clinic is free before %(moment)s. The clinic knows, and when we call, we find a way together."
        ) % {"moment": self.moment(self.contact.see_by)}

    def _keeps_the_visit(self) -> str:
        if self.step not in CALL_STEPS or self.contact.answers.get("sooner") != "no":
            return ""
        return _("You keep the visit you already have. The nurse can still make it sooner when you have spoken.")

    def _until_the_time(self) -> str:
        if self.step != "clinic_time" or self.time is None or self.time.slot.starts_at < self.at:
            return ""
        return _("Do you feel worse before then? Do not wait: tell us here, or ring us on %(phone)s.") % {
            "phone": number_of(self.unit)
        }

    # whose move it is

    def next_move(self) -> str:
        if self.step == "closed":
            return _("Nobody. You get in touch when you need to.")
        if self.step == "clinic_time":
            return _("You come to your time.") if self.time and self.time.slot.starts_at > self.at else _("The clinic")
        if self.step == "with_clinician":
            return _("A clinician")
        if self.callback and self.callback.decide_since:
            return _("You: please ring us. The nurses have your request.")
        return _("The nurses")

    def promised(self) -> str:
        """By when, as it stands beside "Promised"; empty where nothing is."""
        if self.step == "clinic_time":
            return self.day_and_time(self.time.slot.starts_at) if self.time else ""
        if self.step in ("closed", "ringing") or (
            self.callback and self.callback.decide_since and self.step == "unreached"
        ):
            return ""
        if self.late:
            return _("We are late. New time: before %(moment)s") % {"moment": self.by()}
        return _("Before %(moment)s") % {"moment": self.by()} if self.case.due else ""

    def if_nothing(self) -> str:
        if self.step == "closed":
            return _("Nothing happens until you get in touch, or we invite you.")
        if self.step == "clinic_time":
            return _(
                "Your time stays yours. If you cannot come, cancel it or ring us, so that somebody else can have it."
            )
        if self.step == "with_clinician":
            return _("You do not need to do anything. We get back to you.")
        if self.callback and self.callback.decide_since:
            return _("Your request stays open until we have heard from you.")
        if self.step == "unreached":
            return _("We try again. Your request stays open until we have heard from you.")
        return _("You do not need to do anything. The nurse calls you; have your phone with you.")
