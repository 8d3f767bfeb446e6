"""Whether the house is well, for whoever looks after the machine: numbers only, no patient, no words of theirs."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from followup.callbacks import queries as calls
from followup.cases import queries as cases
from followup.contacts import queries as contacts
from followup.core import clock, heartbeats, upkeep
from followup.core import queries as ground
from followup.core.version import version
from followup.desk.doors import show, staff_page
from followup.desk.presenters import house as words
from followup.messages import queries as messages
from followup.people import queries as people
from followup.people.access import unit_of
from followup.people.models import Role
from followup.people.signin import locks
from followup.programmes import queries as programmes


@require_GET
@staff_page("look_after")
def house(request: HttpRequest) -> HttpResponse:
    at, unit = clock.now(), unit_of(request.user)
    done, disk = upkeep.last(), shutil.disk_usage(_folder())
    groups = {
        "parts": [
            *words.parts(heartbeats.ages(), at),
            words.redis(ground.redis_answers()),
            words.database(connection.pg_version // 10_000, ground.migrations_to_make()),
            words.disk(disk.free, disk.total),
        ],
        "work": [
            *words.outbox(ground.backlog(), at),
            *words.messages(messages.piles(), messages.rests(), at=at, zone=unit.zone),
        ],
        "safe": [
            words.journal(ground.journal_stand(), at),
            words.verified(done.get("verify"), at),
            words.backup(done.get("backup"), at),
            words.sign_ins(locks.staff(), locks.patients()),
        ],
    }
    lines = [line for group in groups.values() for line in group]
    since = at - words.LOOKS_BACK
    names = {
        **groups,
        "to_do": [line for state in (upkeep.ACT, upkeep.LOOK) for line in lines if line.state == state],
        "worst": upkeep.worst([line.state for line in lines]),
        "queue": words.queue(calls.levels(), cases.at_risk_by_shortage(), at),
        "promises": words.promises(calls.rung_in_time(since), contacts.seen_in_time(since)),
        "version": version(),
        "sessions": ground.living_sessions(),
        "programmes": words.programmes(programmes.newest()),
        "units": people.units_in_numbers(),
        "roles": [(role.value, role.label) for role in Role if role != Role.SYSTEM],
        "words": words,
        "at": at,
    }
    return show(request, "desk/house.html", here="house", zone=unit.zone, **names)


def _folder() -> Path:
    """The data folder, or in a container that has none what it would lie in."""
    return next(path for path in (settings.FOLLOWUP_DATA, *settings.FOLLOWUP_DATA.parents) if path.exists())
