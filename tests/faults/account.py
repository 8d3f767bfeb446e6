"""What is asked after each blow: everything that was answered is held against the rows. Nothing lost, nothing twice, nothing left over."""

import time
from collections import Counter

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count

from followup.callbacks.models import CallOutcome
from followup.clinic.models import Appointment
from followup.contacts.models import Addition, Contact
from followup.core import journal
from followup.core.models import Outbox
from followup.messages.models import LocalDelivery, Message
from followup.people.signin.models import Attempt
from tests.faults.story import Story, Told
from tests.house import until
from tests.journeys.conftest import strayed


def settled(story: Story, within: float = 60) -> float:
    """Nobody comes any more and the nurses go home; wait until everything that was said is done. Returns the seconds that took."""
    story.everybody_leaves()
    began = time.monotonic()
    while waiting := still(lambda: _waiting(story)):
        assert time.monotonic() < began + within, f"after {within:g} s this still waits: {waiting}"
        time.sleep(0.1)
    return time.monotonic() - began


def _waiting(story: Story) -> list[tuple]:
    rows = Outbox.objects.filter(done_at=None).values_list("topic", "attempts", "due_at", "trouble")
    messages = Message.objects.filter(unit=story.unit, state__in=("queued", "in_flight"))
    return [*rows[:5], *messages.values_list("template", "channel", "state", "attempts", "due_at", "trouble")[:5]]


def of(story: Story) -> dict[str, int]:
    """The account since the clinic last opened; fails where something is missing or there twice. Returns what was counted."""
    told = story.told
    assert told.surprises == [], told.surprises
    nothing_lost(story, told)
    nothing_twice(story, told)
    until(lambda: not still(strayed), within=10, what="every step agreeing with its rows")
    verdict = journal.verify()
    assert verdict.sound, verdict.faults
    return {
        "requests": len(told.received),
        "calls": len(told.finished),
        "texts": len(story.twilio.accepted) - story.texts_before,
        "in doubt": Message.objects.filter(unit=story.unit, state="unknown").count(),
    }


def of_everything(story: Story) -> None:
    """Once more over the whole run: what an early cell was told is still there after the last."""
    story.ever.add(story.told)
    nothing_lost(story, story.ever)
    nothing_twice(story, story.ever)


def nothing_lost(story: Story, told: Told) -> None:
    asked = Contact.objects.select_related("case").prefetch_related("case__callbacks")
    contacts = {str(each.id): each for each in asked.filter(id__in=set(told.received.values()))}
    gone = [words for words, contact in told.received.items() if contact not in contacts]
    assert not gone, f"answered and gone: {gone}"
    cases = {each.case_id for each in contacts.values()}
    kept = set(Appointment.objects.filter(case__in=cases).exclude(state="released").values_list("case_id", flat=True))
    spoken = set(CallOutcome.objects.filter(callback__case__in=cases).values_list("callback__case_id", flat=True))
    for contact in contacts.values():
        calls = list(contact.case.callbacks.all())
        assert calls, f"contact {contact.id} is owed a call and has none"
        for call in calls:
            assert call.window_start or call.state != "waiting", f"callback {call.id} was never laid into nurse hours"
        if contact.reason == "flare" and contact.case.closed is None and str(contact.id) not in told.given_back:
            known = contact.case_id in kept | spoken or contact.case.at_risk_since
            assert known, f"case {contact.case_id} has no time and nobody knows"
    said = {str(each.callback_id) for each in CallOutcome.objects.filter(callback__in=told.finished)}
    assert said == set(told.finished), "an outcome that was answered is gone"
    used = (
        Attempt.objects.filter(patient__in=told.came_in).exclude(signed_in_at=None).values_list("patient_id", flat=True)
    )
    assert set(used) == told.came_in, "somebody is in by a code that was never used up"
    assert not Outbox.objects.exclude(gave_up_at=None).exists()
    ended = ("sent", "delivered", "unknown")
    assert not Message.objects.filter(unit=story.unit).exclude(state__in=ended).exists()


def nothing_twice(story: Story, told: Told) -> None:
    mine = {"unit": story.unit}
    said = Counter(Contact.objects.filter(case__unit=story.unit).values_list("message", flat=True))
    said += Counter(Addition.objects.filter(contact__case__unit=story.unit).values_list("text", flat=True))
    assert not {words for words, times in said.items() if words in told.sent and times > 1}, "said twice"
    assert set(told.received) <= set(said), "words that were answered are nowhere"
    live = Appointment.objects.filter(**mine).exclude(state="released")
    assert not live.values("slot").annotate(n=Count("id")).filter(n__gt=1).exists(), "a time given twice"
    assert not live.values("case").annotate(n=Count("id")).filter(n__gt=1).exists(), "two times for one case"
    outcomes = CallOutcome.objects.filter(callback__unit=story.unit)
    assert not outcomes.values("callback").annotate(n=Count("id")).filter(n__gt=1).exists(), "two outcomes"
    taken = story.twilio.times_taken()
    assert not {message for message, times in taken.items() if times > 1}, "a text taken twice"
    texts = Message.objects.filter(**mine, channel="sms", state__in=("sent", "delivered"))
    assert {str(each) for each in texts.values_list("id", flat=True)} <= set(taken), "sent, and Twilio has it not"
    mails = Message.objects.filter(**mine, channel="email", state="sent")
    assert LocalDelivery.objects.filter(message__in=mails).count() == mails.count()


def still(ask):
    """Ask the database; while it is away that is the answer."""
    try:
        return ask()
    except (DatabaseError, InterfaceError) as away:
        connection.close()
        return [away]
