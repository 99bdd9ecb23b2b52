"""A hub's folder as its first start leaves it: founded once in a test process, and copied for whoever begins with one.

What a hub does on an empty folder is tested where it begins with one (tests/hub/test_commands.py).
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from cloudhub.config import HubSettings
from cloudhub.hub import open_hub


def blank_hub(folder: Path) -> None:
    """Let the folder be that of a hub without businesses, whose database stands still."""
    folder.mkdir(parents=True, exist_ok=True)
    # Not by Python: the files belong to the database's own user, and stay so.
    subprocess.run(["cp", "-a", f"{_founded()}/.", str(folder)], check=True)


@cache
def _founded() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="phoneshop-hub-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open_hub(HubSettings(data=folder)):
        pass
    return folder
