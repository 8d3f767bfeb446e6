"""What the database alone cannot say: how far the journal once reached.

Whoever cuts lines and seals off at the end leaves a shorter journal that is sound in itself. So the number and head of the last seal
are also noted in the data folder, outside the database. A note is replaced only while the seal it names still stands: what was cut off
is not forgotten at the next sealing.
"""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from followup.core.models import Seal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Note:
    seal: int
    head: str

    @property
    def stands(self) -> bool:
        return Seal.objects.filter(id=self.seal, head=self.head).exists()


def path() -> Path:
    """One for each database: tests have one beside the product's."""
    return Path(settings.FOLLOWUP_DATA) / f"journal-head-{connection.settings_dict['NAME']}.json"


def read() -> Note | None:
    """None where nothing was noted: before the first seal, or in a container without the folder."""
    try:
        return Note(**json.loads(path().read_text()))
    except OSError:
        return None


def note(seal: Seal) -> None:
    before = read()
    if before and not before.stands:
        log.error("seal %s with head %s is gone: the journal was cut", before.seal, before.head)
        return
    fresh = path().with_suffix(".fresh")
    try:
        fresh.write_text(json.dumps(asdict(Note(seal.id, seal.head))))
        fresh.replace(path())
    except OSError as error:
        log.warning("the journal's head could not be noted outside the database (%s)", error.strerror)
