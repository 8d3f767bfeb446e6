"""Lets stories run side by side in the order of time, each through the rooms' own verbs, with the clock's hands at each story's moment."""

import heapq
from collections.abc import Generator, Iterable
from datetime import datetime
from itertools import count

from followup.core import clock, outbox
from followup.core.models import Outbox
from followup.messages import services as messages
from followup.messages.gateways.local import LocalGateway
from followup.messages.models import Message, State

Story = Generator[datetime, None, None]
"""Yields the moment at which it wants to go on, and then acts."""


def play(stories: Iterable[Story], *, until: datetime) -> None:
    """Run the stories to their ends. A moment after `until` becomes `until`: nothing happens in the future."""
    order = count()
    waiting: list[tuple[datetime, int, Story]] = []
    for story in stories:
        _wait(waiting, next(story, None), next(order), story)
    while waiting:
        moment, place, story = heapq.heappop(waiting)
        with clock.turned(min(moment, until)):
            onwards = next(story, None)
            _do_what_the_worker_does()
        _wait(waiting, onwards, place, story)


def _wait(waiting: list, moment: datetime | None, place: int, story: Story) -> None:
    if moment is not None:
        heapq.heappush(waiting, (moment, place, story))


def _do_what_the_worker_does() -> None:
    """What was committed is worked, and what was said is delivered: into the product itself, never to the outside."""
    undone = Outbox.objects.filter(done_at=None, gave_up_at=None).order_by("id")
    while rows := list(undone.values_list("id", flat=True)):  # what is worked may leave more to work
        outbox.handle(rows)
        if stuck := undone.filter(id__in=rows).first():
            raise RuntimeError(f"the demo clinic could not be played: {stuck.topic}: {stuck.trouble}")
    for message in Message.objects.filter(state=State.QUEUED, due_at__lte=clock.now()):
        provider_id = LocalGateway().send(message, message.body)
        messages.note_report(message.id, reported="delivered", provider_id=provider_id)
