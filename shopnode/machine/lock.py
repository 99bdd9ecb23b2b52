"""One process per data folder: a lock the system lets go of when the process dies, however it dies.

Two writers in one file would each believe to be the only one. The lock file names its holder, so that a command can
say who has the folder, and stays where it is: removing it would let two processes lock two files of one name.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FAR = 1 << 20  # on Windows a locked byte cannot be read; lock one that nobody reads


class FolderInUse(RuntimeError):
    """Another process has the folder open."""

    def __init__(self, pid: int | None):
        self.pid = pid
        who = f" by process {pid}" if pid else ""
        super().__init__(f"This shop is already open{who}. Stop that one first, or use it.")


class FolderLock:
    """The lock of one folder; held from `acquire` to `release` or the end of the process."""

    def __init__(self, path: Path):
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once. Raises FolderInUse."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError:
            pid = _read_pid(descriptor)
            os.close(descriptor)
            raise FolderInUse(pid) from None
        os.ftruncate(descriptor, 0)
        _write_pid(descriptor)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_pid(descriptor: int) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, str(os.getpid()).encode())


def _read_pid(descriptor: int) -> int | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 20)
    return int(text) if text.isdigit() else None
