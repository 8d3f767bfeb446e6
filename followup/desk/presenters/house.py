"""How the house stands, in words: each line has a state, what it is about, how it is, and what to do where something is to be done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followup.callbacks.queries import Kept, Level
from followup.core import words
from followup.core.models import Upkeep
from followup.core.queries import Backlog, JournalStand
from followup.core.upkeep import ACT, LOOK, WELL, by_age, by_space
from followup.desk.presenters.moments import ago, near
from followup.messages.queries import Pile
from followup.programmes.models import Programme

LOOKS_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Line:
    """`do` is one sentence for whoever must act, `command` what they type."""

    state: str
    what: str
    how: str
    do: str = ""
    command: str = ""


def mark(state: str) -> tuple[str, str]:
    """The drawn shape and its word."""
    return {WELL: ("done", _("Well")), LOOK: ("risk", _("Look at it")), ACT: ("late", _("Act now"))}[state]


def verdict(worst: str) -> str:
    return {
        WELL: _("All is well."),
        LOOK: _("It runs. Something wants to be looked at."),
        ACT: _("Something needs you now."),
    }[worst]


# The parts


def parts(ages: Mapping[str, float | None], at: datetime) -> list[Line]:
    """Web answers, or nobody would read this; the others say so through their heartbeats."""
    names = {"worker": _("Worker (does the work behind the pages)"), "beat": _("Beat (keeps the time)")}
    found = [Line(WELL, _("Web (the pages)"), _("answers"))]
    for name, age in ages.items():
        if age is None:
            how, state = _("never heard of"), ACT
        else:
            since = at - timedelta(seconds=age)
            how, state = _("last heard of %(time)s ago") % {"time": ago(since, at)}, by_age("heartbeat", since, at)
        do = _("Without it nothing is sent and no promise is watched. See which part is not healthy, and read its log.")
        found.append(
            Line(state, names[name], how, do if state != WELL else "", "followup status" if state != WELL else "")
        )
    return found


def redis(answers: bool) -> Line:
    if answers:
        return Line(WELL, _("Redis (hands out work)"), _("answers"))
    do = _("Nothing is lost meanwhile, but all is slower. See which part is not healthy, and read its log.")
    return Line(ACT, _("Redis (hands out work)"), _("does not answer"), do, "followup status")


def database(major: int, to_make: int) -> Line:
    what = _("Database (PostgreSQL %(version)s)") % {"version": major}
    if not to_make:
        return Line(WELL, what, _("answers, its tables are up to date"))
    how = ngettext(
        "%(count)s change of its tables is to be made", "%(count)s changes of its tables are to be made", to_make
    )
    do = _("The program is newer than the tables. Bring them up to date.")
    return Line(ACT, what, how % {"count": to_make}, do, "followup prepare")


def disk(free: int, total: int) -> Line:
    state = by_space(free, total)
    how = _("%(free)s of %(total)s free") % {"free": size(free), "total": size(total)}
    do = _("A full disk stops the database. Move old backups and logs away, or make the disk larger.")
    return Line(state, _("Disk of the data folder"), how, do if state != WELL else "")


# The work


def outbox(backlog: Backlog, at: datetime) -> list[Line]:
    state = by_age("outbox", backlog.oldest, at)
    how = _("nothing waits")
    if backlog.oldest:
        how = ngettext("%(count)s has waited for %(time)s", "%(count)s wait, the oldest for %(time)s", backlog.waiting)
        how %= {"count": backlog.waiting, "time": ago(backlog.oldest, at)}
    do = _("What happened is not worked on. See whether the worker is healthy, and read its log.")
    waits = Line(
        state, _("Work for the worker"), how, do if state != WELL else "", "followup status" if state != WELL else ""
    )
    if not backlog.given_up:
        return [waits, Line(WELL, _("Work that was given up"), _("none"))]
    topics = ", ".join(f"{count} × {topic}" for topic, count in backlog.given_up.items())
    do = _("A coordinator of the unit has it tried again under Alerts. If it comes back, its log lines say why.")
    return [waits, Line(ACT, _("Work that was given up"), topics, do, 'grep "given up" logs/worker.log')]


def messages(piles: Mapping[str, Pile], rests: Mapping[str, datetime], *, at: datetime, zone: tzinfo) -> list[Line]:
    found = []
    names = {"queued": _("Messages to send now"), "in_flight": _("Messages being sent")}
    for state, what in names.items():
        pile = piles[state]
        how = _pile(pile, at)
        stands = by_age("messages", pile.oldest, at)
        do = _("See whether the provider of texts or mail answers: the worker's log has what it said.")
        found.append(
            Line(
                stands,
                what,
                how,
                do if stands != WELL else "",
                "grep warning logs/worker.log" if stands != WELL else "",
            )
        )
    failed, unknown = piles["failed"].count, piles["unknown"].count
    state, how, do = WELL, _("none"), ""
    if failed or unknown:
        state = LOOK
        how = _("%(failed)s failed, %(unknown)s of which nobody knows whether they arrived") % {
            "failed": failed,
            "unknown": unknown,
        }
        do = _(
            "The unit reaches these people another way, under Alerts. If they are many, see whether the provider refuses our account."
        )
    found.append(Line(state, _("Messages for a person"), how, do))
    for channel, until in rests.items():
        what = {"sms": _("Texts"), "email": _("E-mail")}[channel]
        do = _("The provider asked us to wait, or does not answer. It is tried again by itself.")
        found.append(Line(LOOK, what, _("rests until %(time)s") % {"time": near(until, at=at, zone=zone)}, do))
    return found


def _pile(pile: Pile, at: datetime) -> str:
    if not pile.count:
        return _("none")
    return _("%(count)s, the oldest for %(time)s") % {
        "count": pile.count,
        "time": ago(pile.oldest, at) if pile.oldest else "?",
    }


# What keeps it safe


def journal(stand: JournalStand, at: datetime) -> Line:
    state = by_age("unsealed", stand.unsealed_since, at)
    if stand.sealed_at:
        how = _("line %(line)s, sealed %(time)s ago, head %(head)s") % {
            "line": stand.line,
            "time": ago(stand.sealed_at, at),
            "head": stand.head[:16],
        }
    else:
        how = _("line %(line)s, not sealed yet") % {"line": stand.line}
    do = _("The worker seals it every minute. See whether worker and beat are healthy.")
    return Line(state, _("Journal"), how, do if state != WELL else "", "followup status" if state != WELL else "")


def verified(row: Upkeep | None, at: datetime) -> Line:
    what, command = _("Verifying of the journal"), "followup verify-journal"
    if row is None:
        return Line(LOOK, what, _("never"), _("Have every seal recomputed, once a week."), command)
    how = _("%(time)s ago") % {"time": ago(row.at, at)}
    if not row.detail.get("sound"):
        do = _(
            "Lines of the journal were changed or taken out. Keep the machine as it is, and tell who is responsible for the records."
        )
        return Line(ACT, what, _("%(time)s, and it was not sound") % {"time": how}, do, command)
    state = by_age("verify", row.at, at)
    do = _("Have every seal recomputed, once a week.")
    return Line(
        state, what, _("%(time)s, sound") % {"time": how}, do if state != WELL else "", command if state != WELL else ""
    )


def backup(row: Upkeep | None, at: datetime) -> Line:
    what, command = _("Backup"), "followup backup /mnt/backups/"
    do = _("Take one now, and have the machine take one every hour.")
    if row is None:
        return Line(ACT, what, _("never"), do, command)
    state = by_age("backup", row.at, at)
    how = _("%(time)s ago, %(size)s") % {"time": ago(row.at, at), "size": size(row.detail.get("bytes", 0))}
    return Line(state, what, how, do if state != WELL else "", command if state != WELL else "")


def sign_ins(staff: int, patients: int) -> Line:
    state = LOOK if staff or patients else WELL
    how = _("%(staff)s of staff and %(patients)s of patients are kept out after wrong passwords or codes") % {
        "staff": staff,
        "patients": patients,
    }
    do = _(
        "They come in again by themselves, staff after 15 minutes. Many at once may be somebody who guesses: see the proxy's log."
    )
    return Line(state, _("Sign-ins"), how if state != WELL else _("nobody is kept out"), do if state != WELL else "")


# Without a judgement: what the clinic makes of it is the clinic's


def queue(levels: Mapping[int, Level], at_risk: Mapping[str, int], at: datetime) -> list[tuple[str, int, int, str]]:
    """Rows of the queue over all units: priority, waiting, late, the longest wait."""
    return [
        (
            str(priority),
            level.waiting,
            level.late,
            words.duration(at - level.oldest, short=True) if level.oldest else "–",
        )
        for priority, level in levels.items()
    ]


def promises(rung: Kept, seen: Kept) -> list[tuple[str, str]]:
    def said(kept: Kept) -> str:
        total = kept.yes + kept.no
        return _("%(yes)s of %(all)s") % {"yes": kept.yes, "all": total} if total else _("none yet")

    return [
        (_("Rung within the promise, last 7 days"), said(rung)),
        (_("Seen within three days of a flare-up, last 7 days"), said(seen)),
    ]


def programmes(newest: Iterable[Programme]) -> list[tuple[str, str]]:
    """Each programme with its version, and how much of it nobody has signed."""
    found = []
    for each in newest:
        unsigned = len(each.rules.unsigned())
        how = _("every clinical entry is signed")
        if unsigned:
            how = ngettext(
                "%(count)s clinical entry without a signature",
                "%(count)s clinical entries without a signature",
                unsigned,
            ) % {"count": unsigned}
        found.append((f"{each.key} {each.version}", how))
    return found


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
