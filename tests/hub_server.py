"""A hub for tests: real PostgreSQL in a folder of its own, started once in each test process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhub.config import HubSettings
from cloudhub.hub import Hub, open_hub


@contextmanager
def running_hub() -> Iterator[Hub]:
    """The server's own user must be able to walk to its folder, and pytest closes its folders to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="hub-"))
    try:
        with open_hub(HubSettings(data=folder)) as hub:
            yield hub
    finally:
        shutil.rmtree(folder, ignore_errors=True)
