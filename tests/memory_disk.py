"""Keep what tests write in the machine's memory, where it has a file system there with room; else where it always goes.

No test here is about a disk that loses power: what a killed process wrote outlives it in memory as on a disk. Every
process of a run works in one folder, which goes with the process that made it; what a killed run left goes with the
next one.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 3 << 30
PREFIX = "shop-"  # short: a socket's whole path has room for 107 bytes


def write_to_memory() -> None:
    """Let temporary folders be made there, in this process and those that it starts."""
    if "PYTEST_XDIST_WORKER" in os.environ or not _has_room():
        return
    _sweep()
    folder = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY)
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    atexit.register(_remove, folder, os.getpid())


def _has_room() -> bool:
    try:
        room = os.statvfs(MEMORY)
        available = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return False
    memory = int(available[1]) * 1024 if available else 0
    return os.access(MEMORY, os.W_OK | os.X_OK) and min(room.f_bavail * room.f_frsize, memory) >= ROOM_BYTES


def _remove(folder: str, maker: int) -> None:
    if os.getpid() == maker:  # not a child that was forked
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for folder in MEMORY.glob(PREFIX + "*"):
        if not Path(f"/proc/{folder.name.split('-')[1]}").exists():
            shutil.rmtree(folder, ignore_errors=True)
