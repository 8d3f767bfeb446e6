"""Who runs a part, told by a lock rather than by a number that the system may have given to somebody else.

A process locks `run/NAME.pid`, writes its own number in it and may then exec another program: the lock stays with the
process, goes with it however it dies, is not passed on to its children, and the kernel names its holder.
Opening and closing the same file again in the holding process would give the lock up.
"""

import fcntl
import os
import struct
from pathlib import Path

FLOCK = "hhqqi"  # struct flock on 64-bit Linux: type, whence, start, length, pid


class AlreadyRunning(Exception):
    def __init__(self, pid: int):
        super().__init__(f"process {pid}")
        self.pid = pid


def claim(path: Path) -> None:
    """Lock the file for the rest of this process's life. Raises AlreadyRunning with the holder's number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise AlreadyRunning(holder(path) or 0) from None
    os.truncate(file, 0)
    os.write(file, f"{os.getpid()}\n".encode())
    os.set_inheritable(file, True)


def holder(path: Path) -> int | None:
    """The process that holds the file, or None. Never ask about a file this process holds itself."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, *_, pid = struct.unpack(FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else pid
    finally:
        os.close(file)
