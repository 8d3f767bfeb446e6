"""The demo clinic itself: its unit, its people, the last year, and today's cases in every step."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import override

from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Ask
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Session, SessionKind, Slot, SlotKind
from followup.contacts import policy
from followup.contacts import queries as contact_queries
from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.core import clock
from followup.core.hours import swedish_eves
from followup.core.journal import System
from followup.core.models import Outbox
from followup.demo import stage
from followup.demo.lives import (
    FEVER,
    FLARES,
    LIVES,
    MORE,
    OTHERS,
    TABLETS_FOR_TWO_DAYS,
    TOLD_ON_THE_PHONE,
    Life,
    Story,
    number_of,
)
from followup.people import access
from followup.people import services as people
from followup.people.models import Patient, Unit, User
from followup.programmes import queries as programmes
from followup.programmes import services as programme_services

DEMO = System("demo")
NAME = "Höglandsmottagningen"
PASSWORD = "followup-demo"  # noqa: S105  for invented people, and printed at each start
STAFF = (
    ("nurse1", "Karin Lind", "nurse"),
    ("nurse2", "Maria Ek", "nurse"),
    ("clinician", "Jonas Olsson", "clinician"),
    ("coordinator", "Eva Sandberg", "coordinator"),
    ("wall", "Tavlan i korridoren", "wall"),
    ("lab", "Laboratoriet", "system"),
    ("administrator", "Per Holm", "administrator"),
)
SPARE_TIMES = 2
"""Urgent times that must be left for whoever tries the demo."""


def load() -> bool:
    """Make the demo clinic, or bring its rota up to date where it is; True when it was made."""
    unit = Unit.objects.filter(demo=True).first()
    if unit is None:
        with transaction.atomic():
            unit = _make(now=clock.now())
            _keep_the_rota(unit)
            # The times that were just laid are for whoever tries the demo, not for those at risk, who are there to be seen.
            Outbox.objects.filter(done_at=None, topic="clinic.time_freed").update(done_at=clock.now())
        return True
    with transaction.atomic():
        _keep_the_rota(unit)
    return False


def welcome(url: str) -> str:
    """What the console says when the demo is up. The wall screen gets a new key each time, and the old one ends."""
    wall = User.objects.get(username="wall")
    anna = Patient.objects.get(user__username="demo0001")
    with transaction.atomic():
        people.revoke_tokens(user=wall, by=DEMO)
        key = people.new_token(user=wall, by=DEMO, label="wall screen")
    return "\n".join(
        [
            f"Patients   {url}/sign-in/  {anna.phone_shown}, born {anna.born_on.day} {anna.born_on:%B %Y} ({anna.name});",
            f"           the code is shown at {url}/demo/messages/",
            f"Staff      {url}/staff/  nurse1, nurse2, clinician or coordinator, password {PASSWORD}",
            f"Machine    {url}/staff/  administrator, the same password",
            f"Wall       {url}/wall/{key}/",
        ]
    )


@dataclass(frozen=True)
class Cast:
    """Who plays, and when it is."""

    unit: Unit
    now: datetime
    nurses: list[User]
    clinician: User
    coordinator: User
    patients: list[Patient]
    luck: random.Random

    def patient(self, place: int) -> Patient:
        return self.patients[place - 1]

    def ago(self, open_hours: float) -> datetime:
        """So many open hours before now: what happened in working time stays in working time, whenever the demo is started."""
        return self.unit.hours.back_open(self.now, open_hours)

    def lately(self, open_hours: float, *, at_most: float) -> datetime:
        """So many open hours before now, but never longer ago than `at_most` hours by the wall clock: people write on Sundays too."""
        return max(self.ago(open_hours), self.now - timedelta(hours=at_most))

    def later(self, moment: datetime, open_hours: float) -> datetime:
        return self.unit.hours.add_open(moment, open_hours)


def _make(*, now: datetime) -> Unit:
    with clock.turned(now - timedelta(days=400)):
        cast = _people(now)
    stage.play([*_last_year(cast), *_coming_visits(cast), *_today(cast)], until=now)
    return cast.unit


def _people(now: datetime) -> Cast:
    programme_services.load_shipped(by=DEMO)
    years = range(now.year - 2, now.year + 3)
    unit = people.add_unit(
        name=NAME,
        timezone="Europe/Stockholm",
        own_closed_days={day: "eve" for year in years for day in sorted(swedish_eves(year))},
        by=DEMO,
        holidays="SE",
        phone="08-465 004 00",
        email="mottagningen@example.org",
        on_call_email="jour@example.org",
        place="Eksjö",
        country_codes=[46, 44],
        language="sv",
        demo=True,
    )
    staff = {
        username: people.add_staff(
            username=username, name=name, role=role, unit=unit, by=DEMO, email=f"{username}@example.org"
        )
        for username, name, role in STAFF
    }
    # One password for all, worked out once: that takes a moment on purpose.
    signing_in = [user.id for name, user in staff.items() if name not in ("wall", "lab")]
    User.objects.filter(id__in=signing_in).update(password=make_password(PASSWORD))
    programme = programmes.current("ibd")
    return Cast(
        unit=unit,
        now=now,
        nurses=[staff["nurse1"], staff["nurse2"]],
        clinician=staff["clinician"],
        coordinator=staff["coordinator"],
        patients=[_patient(unit, programme, place, life) for place, life in enumerate(LIVES, start=1)],
        luck=random.Random(1913),  # noqa: S311  the same clinic every time
    )


def _patient(unit: Unit, programme, place: int, life: Life) -> Patient:
    mail = f"demo{place:04}@example.org" if life.reach in ("both", "email") else ""
    return people.add_patient(
        unit=unit,
        programme=programme,
        by=DEMO,
        username=f"demo{place:04}",
        number=f"{1000 + place}",
        given_name=life.given,
        family_name=life.family,
        born_on=life.born_on,
        diagnosis=life.diagnosis,
        group=life.group,
        phone=number_of(place, life),
        texts=life.reach in ("both", "sms"),
        email=mail,
        language=life.language,
        spoken_language=life.speaks,
        interpreter=bool(life.speaks),
        voicemail=life.voicemail,
        good_to_know=life.good_to_know,
        enrolment={
            "diagnosed_on": date(life.since, 1 + place % 12, 1 + place * 7 % 28),
            "group_since_on": date(max(life.since, 2021 + place % 4), 1 + place * 5 % 12, 1 + place * 3 % 28),
            "group_why": life.why,
            "medicines": list(life.medicines),
        },
    )


def _keep_the_rota(unit: Unit) -> None:
    clinic.lay_out(unit, by=DEMO)
    _spare_times(unit)


def _spare_times(unit: Unit) -> None:
    """Whoever tries the demo by feeling worse is kept a time, also on a Friday evening with all of Monday's taken."""
    at, rules = clock.now(), programmes.current("ibd").rules
    see_by = unit.hours.moment(rules.see_within(), at)
    earliest = policy.hold_from(rules, call_due=unit.hours.moment(rules.rung_within(2), at))
    if see_by is None:
        return
    free = times.free_slots(unit, kind=SlotKind.URGENT, start=earliest, end=see_by).count()
    starts = datetime.combine(unit.hours.day_of(see_by), time(15, 30), unit.zone)
    person = User.objects.get(username="clinician")
    if free >= SPARE_TIMES or starts < earliest or Session.objects.filter(person=person, starts_at=starts).exists():
        return
    half = timedelta(minutes=30)
    slots: list[tuple[str, datetime, datetime]] = [
        (SlotKind.URGENT, starts + half * n, starts + half * (n + 1)) for n in range(SPARE_TIMES)
    ]
    clinic.add_session(
        unit=unit,
        person=person,
        kind=SessionKind.CLINIC,
        starts_at=starts,
        ends_at=slots[-1][2],
        room="rum 1",
        slots=slots,
        by=DEMO,
    )


# pieces of a story


def _gets_in_touch(cast: Cast, place: int, told: Story, at: datetime, *, by: User | None = None, channel="web", **wish):
    """Somebody gets in touch, by themselves or by telling `by`; returns the contact."""
    yield at
    patient = cast.patient(place)
    with override(patient.language):
        return contacts.receive(
            patient=patient,
            by=by or patient.user,
            reason=told.reason,
            message=told.words,
            answers=told.answers,
            preferred=wish,
            channel=channel,
        )


def _takes_the_call(contact: Contact, nurse: User) -> Callback:
    """By turn where it is its turn, else with a reason, as on any day; the record is opened, and the patient can see that."""
    call = Callback.objects.select_related("patient").get(case_id=contact.case_id, ended_at=None)
    next_id = (
        Callback.objects.waiting()
        .filter(unit=call.unit_id, not_before__lte=clock.now(), decide_since=None)
        .in_order()
        .values_list("id", flat=True)
        .first()
    )
    if next_id == call.id:
        callbacks.claim_next(by=nurse)
    else:
        callbacks.claim_chosen(call, by=nurse, why="Ringde själv till oss")
    access.open_record(call.patient, by=nurse, where="call page")
    callbacks.seen(call, by=nurse)
    return call


def _is_rung(contact: Contact, nurse: User, at: datetime, *, outcome: str, **said):
    """A nurse takes the call, rings and says what it led to."""
    yield at
    call = _takes_the_call(contact, nurse)
    yield at + timedelta(minutes=2)
    contacts.dial(call, by=nurse)
    yield at + timedelta(minutes=9)
    contacts.finish(call, by=nurse, outcome=outcome, **said)


def _is_not_reached(contact: Contact, nurse: User, at: datetime):
    yield from _is_rung(contact, nurse, at, outcome="no_answer")


def _is_answered(cast: Cast, contact: Contact, at: datetime, words: str):
    """The clinician answers what the call left for them."""
    yield at
    asked = Ask.objects.select_related("case__patient").get(case_id=contact.case_id, answered_at=None)
    access.open_record(asked.case.patient, by=cast.clinician, where="question from a call")
    contacts.answer_ask(asked, by=cast.clinician, words=words)


def _comes_to_the_clinic(cast: Cast, contact: Contact):
    """The patient comes to the time that was booked, if that is over by now."""
    booked = Appointment.objects.select_related("slot").filter(case_id=contact.case_id, state="booked").first()
    if booked is None or booked.slot.ends_at > cast.now:
        return
    yield booked.slot.ends_at
    contacts.mark_visit(booked, "attended", by=cast.coordinator)


def _again_on(cast: Cast, days: int) -> date:
    return cast.unit.hours.next_open_day(cast.unit.hours.day_of(clock.now()) + timedelta(days=days - 1))


# the last year


def _last_year(cast: Cast):
    """Earlier contacts. A few people call often, most once or never, as in any clinic (domain.md §7)."""
    often = [2, 19, 25, 1]
    told_today = {
        19: FLARES["sv"][1],
        25: FLARES["en"][2],
        12: FLARES["sv"][2],
        23: FLARES["sv"][1],
        9: OTHERS["en"][0],
    }
    told_by = set(told_today.items())
    seldom = cast.luck.sample(range(3, 41), 18)
    for n, place in enumerate([*often, *often, *seldom]):
        days = cast.luck.randint(25, 350)
        if n < len(often):
            days = cast.luck.randint(180, 350)
        elif n < 2 * len(often):
            days = cast.luck.randint(25, 120)
        at = datetime.combine(
            (cast.now - timedelta(days=days)).date(), time(6 + cast.luck.randrange(14), 17), cast.unit.zone
        )
        language = cast.patient(place).language
        flare = n < len(often) or cast.luck.random() < 0.35
        told = cast.luck.choice(
            [each for each in (FLARES if flare else OTHERS)[language] if (place, each) not in told_by]
        )
        told_by.add((place, told))
        yield _earlier(cast, place, told, at, cast.nurses[n % 2])
    for place in (2, 4, 12, 25):
        yield _earlier_visit(cast, place, cast.now - timedelta(days=90 + 11 * place))


def _earlier(cast: Cast, place: int, told: Story, at: datetime, nurse: User):
    patient = cast.patient(place)
    entered: dict[str, Any] = (
        {} if patient.reach == "" else {"by": nurse, "channel": "paper" if patient.reach == "no_channel" else "phone"}
    )
    rung_at = cast.later(at, 0.5 + 2 * cast.luck.random())
    goes = cast.luck.random()
    yield at
    if told.reason == "flare":
        clinic.lay_out(cast.unit, by=DEMO, weeks=1)
    contact = yield from _gets_in_touch(cast, place, told, at, **entered)
    if goes < 0.15:
        yield from _is_not_reached(contact, nurse, rung_at)
        rung_at = cast.later(Callback.objects.get(case_id=contact.case_id).not_before, 0.3)
    yield rung_at
    kept = times.of_case(contact.case_id)
    said: dict[str, Any] = {"note": told.note, "agreed": told.agreed}
    if told.reason == "prescription":
        yield from _is_rung(contact, nurse, rung_at, outcome="prescription", to=cast.clinician, **said)
        yield from _is_answered(cast, contact, cast.later(rung_at, 3), told.note)
    elif told.reason == "flare" and goes > 0.6 and kept and kept.slot.starts_at > rung_at + timedelta(hours=1):
        yield from _is_rung(contact, nurse, rung_at, outcome="clinic_time", **said)
        yield from _comes_to_the_clinic(cast, contact)
    elif told.reason in ("flare", "worry"):
        said["advice"] = ["fluids", "medicines", "watch"] if told.reason == "flare" else ["watch"]
        yield from _is_rung(contact, nurse, rung_at, outcome="self_care", call_again_on=_again_on(cast, 5), **said)
    else:
        yield from _is_rung(contact, nurse, rung_at, outcome="other", **said)


# ordinary visits


def _visit(cast: Cast, place: int, nth: int):
    """Book the nth free ordinary time from now on; returns the appointment, or None where the rota has none."""
    start = clock.now()
    free = times.free_slots(cast.unit, kind=SlotKind.REVISIT, start=start, end=start + timedelta(weeks=7))
    slot = free[nth : nth + 1].first()
    if slot is None:
        return None
    with transaction.atomic():
        case = cases.lock(cases.open_case(patient=cast.patient(place), kind="visit", by=cast.coordinator).id)
        booked = clinic.give(slot, case=case, by=cast.coordinator)
        cases.move(case, "booked", by=cast.coordinator, due=slot.starts_at)
    return booked


def _earlier_visit(cast: Cast, place: int, at: datetime):
    yield at
    clinic.lay_out(cast.unit, by=DEMO, weeks=1)
    booked = _visit(cast, place, place % 7)
    if booked is None:
        return
    yield booked.slot.ends_at
    with transaction.atomic():
        case = cases.lock(booked.case_id)
        clinic.mark(booked, "attended", by=cast.coordinator)
        cases.move(case, "attended", by=cast.coordinator)
        cases.move(case, "closed", by=cast.coordinator, outcome="attended")


def _coming_visits(cast: Cast):
    def booked_last_week(place: int, nth: int):
        yield cast.ago(30)
        _visit(cast, place, nth)

    def rota():
        yield cast.now - timedelta(days=10)
        clinic.lay_out(cast.unit, by=DEMO, weeks=7)

    yield rota()
    for n, place in enumerate((2, 4, 6, 10, 15, 22, 27, 32, 39)):
        yield booked_last_week(place, 30 + 7 * n)


# today


def _today(cast: Cast):
    """Cases in every step. The first four people have none, for whoever wants to try."""
    karin, maria = cast.nurses
    sv, en = OTHERS["sv"], OTHERS["en"]
    flares, english = FLARES["sv"], FLARES["en"]
    return [
        _just_received(cast, 33, sv[2]),
        _waits(cast, 30, FEVER, 0.3, at_most=3),
        _waits(cast, 7, flares[0], 1.2, at_most=11, more=MORE),
        _waits(cast, 31, en[1], 3, not_before="14:00"),
        _waits(cast, 17, sv[0], 6),
        _waits(cast, 28, TABLETS_FOR_TWO_DAYS, 2),
        _waits(cast, 21, TOLD_ON_THE_PHONE, 4, by=maria, channel="phone"),
        _handed_back(cast, 35, en[3], maria),
        _late(cast, 24, sv[1]),
        _rings_now(cast, 20, english[0], maria),
        _nobody_home(cast, 34, sv[5], karin, open_hours_ago=1.5, tries=1),
        _nobody_home(cast, 8, sv[4], maria, open_hours_ago=26, tries=3),
        _asked(cast, 19, flares[1], karin, "clinician_asked", 4.4, "Tredje skovet i år. Byta behandling?"),
        _asked(cast, 9, en[0], maria, "prescription", 5, "Renew for a year?"),
        _booked_in(cast, 25, english[2], karin, 5),
        _booked_in(cast, 12, flares[2], maria, 4.2),
        _closed(cast, 23, flares[1], karin, 4, "self_care", advice=["food", "watch"]),
        _closed(cast, 26, sv[4], maria, 3.3, "all_well"),
        _closed(cast, 38, en[5], karin, 2.6, "other"),
    ]


def _just_received(cast: Cast, place: int, told: Story):
    """Stands as it came in: the moment before the call is laid, which else is over in the blink of an eye."""
    yield from _gets_in_touch(cast, place, told, cast.now - timedelta(minutes=4))
    Outbox.objects.filter(done_at=None).update(done_at=clock.now())


def _waits(cast: Cast, place: int, told: Story, open_hours_ago: float, *, at_most=200.0, more: str = "", **how):
    at = cast.lately(open_hours_ago, at_most=at_most)
    yield from _gets_in_touch(cast, place, told, at, **how)
    if more:
        yield at + timedelta(minutes=20)
        contacts.add(patient=cast.patient(place), text=more, by=cast.patient(place).user)


def _handed_back(cast: Cast, place: int, told: Story, nurse: User):
    contact = yield from _gets_in_touch(cast, place, told, cast.ago(5))
    yield cast.ago(2)
    call = _takes_the_call(contact, nurse)
    yield cast.ago(1.9)
    contacts.give_back(call, by=nurse, note="She was in a meeting. Rather after lunch.")


def _late(cast: Cast, place: int, told: Story):
    contact = yield from _gets_in_touch(cast, place, told, cast.ago(8.4))
    call = Callback.objects.get(case_id=contact.case_id)
    yield call.due + timedelta(minutes=1)
    contacts.lift_passed(call.id)


def _rings_now(cast: Cast, place: int, told: Story, nurse: User):
    contact = yield from _gets_in_touch(cast, place, told, cast.lately(2.2, at_most=20))
    yield cast.now
    contacts.dial(_takes_the_call(contact, nurse), by=nurse)


def _nobody_home(cast: Cast, place: int, told: Story, nurse: User, *, open_hours_ago: float, tries: int):
    contact = yield from _gets_in_touch(cast, place, told, cast.ago(open_hours_ago))
    at = cast.ago(open_hours_ago - 0.7)
    for _ in range(tries):
        yield from _is_not_reached(contact, nurse, at)
        at = cast.later(Callback.objects.get(case_id=contact.case_id).not_before, 0.2)


def _asked(cast: Cast, place: int, told: Story, nurse: User, outcome: str, open_hours_ago: float, question: str):
    contact = yield from _gets_in_touch(cast, place, told, cast.ago(open_hours_ago))
    rung_at = cast.ago(open_hours_ago - 2)
    yield from _is_rung(contact, nurse, rung_at, outcome=outcome, to=cast.clinician, note=question, agreed=told.agreed)


def _booked_in(cast: Cast, place: int, told: Story, nurse: User, open_hours_ago: float):
    contact = yield from _gets_in_touch(cast, place, told, cast.ago(open_hours_ago))
    rung_at = cast.ago(open_hours_ago - 1)
    yield rung_at
    held = times.of_case(contact.case_id)
    slot = None if held and held.slot.starts_at > cast.now else _coming_time(cast, contact)
    yield from _is_rung(contact, nurse, rung_at, outcome="clinic_time", slot=slot, note=told.note, agreed=told.agreed)


def _coming_time(cast: Cast, contact: Contact) -> Slot:
    """A time that is still to come: inside the promise, or over the holidays the first one after it."""
    inside = [slot for slot in contact_queries.times_for(contact.case) if slot.starts_at > cast.now]
    after = times.free_slots(cast.unit, kind=SlotKind.URGENT, start=cast.now, end=cast.now + timedelta(weeks=3))
    return inside[0] if inside else after[0]


def _closed(cast: Cast, place: int, told: Story, nurse: User, open_hours_ago: float, outcome: str, **said):
    contact = yield from _gets_in_touch(cast, place, told, cast.ago(open_hours_ago))
    rung_at = cast.ago(open_hours_ago - 1.5)
    yield rung_at
    if outcome == "self_care":
        said["call_again_on"] = _again_on(cast, 4)
    yield from _is_rung(contact, nurse, rung_at, outcome=outcome, note=told.note, agreed=told.agreed, **said)
