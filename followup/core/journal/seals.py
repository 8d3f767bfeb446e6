"""Sealing makes an unnoticed change of the journal impossible without the key, which lives outside the database."""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import InternalError, OperationalError, connection, transaction

from followup.core import clock, crash
from followup.core.journal import witness
from followup.core.models import Entry, Seal

log = logging.getLogger(__name__)

START = "0" * 64
CHUNK = 2_000
GUARDS = {f"{table}_{guard}" for table in ("journal", "journal_seal") for guard in ("rows_stay", "stays")}


@dataclass(frozen=True)
class Verdict:
    """What `verify` found. `faults` names each in words; `unsealed` counts the lines written since the last seal."""

    entries: int
    seals: int
    unsealed: int
    head: str
    faults: list[str]

    @property
    def sound(self) -> bool:
        return not self.faults


def head() -> str:
    """The keyed hash that stands for the whole sealed journal."""
    return Seal.objects.order_by("-id").values_list("head", flat=True).first() or START


def seal() -> Seal | None:
    """Close the lines since the last seal into a new one; None when there are none, or while somebody is long in writing one."""
    bound = _settled_bound()
    if bound is None:
        return None
    with transaction.atomic():
        _one_at_a_time()
        last = Seal.objects.order_by("-id").first()
        since = last.last_entry if last else 0
        rows = Entry.objects.filter(id__gt=since, id__lte=bound).order_by("id")
        first_id = rows.values_list("id", flat=True).first()
        if first_id is None:
            return None
        digest, count = _digest(rows.iterator(CHUNK))
        # Numbered without gaps, which a sequence does not promise.
        new = Seal(id=last.id + 1 if last else 1, at=clock.now(), first_entry=first_id, last_entry=bound, entries=count)
        new.head = _head(last.head if last else START, new, digest)
        new.save(force_insert=True)
        crash.commit("journal.seal")
        transaction.on_commit(lambda: witness.note(new))
    log.info("journal sealed up to %s, head %s", new.last_entry, new.head)
    return new


def verify(*, heads: Iterable[str] = ()) -> Verdict:
    """Recompute every seal from the lines it covers.

    A changed, added, removed or swapped line changes its batch; a changed, added or removed seal breaks the chain. What a cut at the very
    end leaves is sound in itself: that shows against the head noted in the data folder, and against `heads`, which somebody kept from the
    log or from `/readyz`. Lines younger than the last seal (a minute) are guarded by the triggers alone.
    """
    # Before the seals are read: the next one may be made meanwhile.
    noted = witness.read()
    faults = _guards_missing()
    found, before, covered, number, last_entry = set(), START, 0, 0, 0
    if strays := Entry.objects.filter(id__lte=0).count():
        faults.append(f"{strays} lines stand before the first")
    for each in Seal.objects.order_by("id").iterator(CHUNK):
        rows = Entry.objects.filter(id__gt=last_entry, id__lte=each.last_entry).order_by("id")
        digest, count = _digest(rows.iterator(CHUNK))
        number += 1
        if (each.id, each.head, each.entries) != (number, _head(before, each, digest), count):
            faults.append(f"lines {each.first_entry} to {each.last_entry} are not those that seal {each.id} closed")
        before, last_entry, number = each.head, each.last_entry, each.id
        covered += count
        found.add(each.head)
    if noted and noted.head not in found:
        faults.append(f"seal {noted.seal}, noted in {witness.path().name}, is gone: the journal was cut or put back")
    faults += [f"no seal has the head {head}: the journal was cut or put back" for head in heads if head not in found]
    unsealed = Entry.objects.filter(id__gt=last_entry).count()
    return Verdict(entries=covered + unsealed, seals=len(found), unsealed=unsealed, head=before, faults=faults)


def _guards_missing() -> list[str]:
    """The triggers that refuse changes: somebody who took them away meant to change something."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND NOT tgisinternal"
            " AND tgrelid IN ('journal'::regclass, 'journal_seal'::regclass)"
        )
        there = {name for (name,) in cursor.fetchall()}
    return [f"the trigger {name} is missing or switched off" for name in sorted(GUARDS - there)]


def _settled_bound() -> int | None:
    """The highest id below which no line can still appear; None when it cannot be told now.

    Ids are given out before their transactions commit, so the bound is read under a lock that waits for every writer. Every later writer
    waits behind that lock: it is asked for no longer than a second, and gone when this short transaction ends, or when its process is
    halted in the midst of it. The next minute tries again.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = '3s'")
            cursor.execute("LOCK TABLE journal IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute("SELECT coalesce(max(id), 0) FROM journal")
            bound = cursor.fetchone()[0]
            # Where this is part of a longer transaction, the rest of that has its own pace.
            cursor.execute("SET LOCAL lock_timeout = DEFAULT; SET LOCAL idle_in_transaction_session_timeout = DEFAULT")
            return bound
    except (OperationalError, InternalError):  # no lock within the second; or halted, and cut off
        log.warning("the journal is sealed later: somebody is long in writing a line")
        return None


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE journal_seal IN SHARE ROW EXCLUSIVE MODE")


def _canonical(entry: Entry) -> bytes:
    parts = [
        entry.id,
        entry.at.isoformat(),
        entry.verb,
        entry.actor_kind,
        str(entry.actor_id),
        entry.actor_name,
        entry.actor_role,
        str(entry.unit_id),
        str(entry.patient_id),
        str(entry.case_id),
        str(entry.subject_id),
        entry.why,
        entry.detail,
    ]
    return json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(rows: Iterable[Entry] | Iterator[Entry]) -> tuple[str, int]:
    digest, count = hashlib.sha256(), 0
    for entry in rows:
        line = _canonical(entry)
        digest.update(len(line).to_bytes(8, "big") + line)
        count += 1
    return digest.hexdigest(), count


def _head(before: str, seal: Seal, digest: str) -> str:
    """Everything a seal says, and the seal before it, under the key."""
    parts = (before, seal.id, seal.at.isoformat(), seal.first_entry, seal.last_entry, seal.entries, digest)
    words = "|".join(map(str, parts)).encode()
    return hmac.new(settings.FOLLOWUP_JOURNAL_KEY.encode(), words, hashlib.sha256).hexdigest()
