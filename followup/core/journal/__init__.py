"""The journal: every move and every look at a record. Written inside the verb that acts, and nowhere else."""

from followup.core.journal.entries import Signature, Signs, System, insert_from, insert_values, looks_at, write
from followup.core.journal.seals import head, seal, verify

__all__ = [
    "Signature",
    "Signs",
    "System",
    "head",
    "insert_from",
    "insert_values",
    "looks_at",
    "seal",
    "verify",
    "write",
]
