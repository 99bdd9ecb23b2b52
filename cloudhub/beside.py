"""Small files beside the database, of what must outlive its being put back to a backup.

Invariants:
  * A file speaks of one hub, by its public key; what another hub wrote there counts for nothing.
  * It is written whole or not at all, and after the database, so that it is never ahead of it by itself.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def read_beside(file: Path, hub_key: str, name: str) -> Any:
    """What this hub kept there under a name; None where it kept nothing."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found[name] if found["hub"] == hub_key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_beside(file: Path, hub_key: str, name: str, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with part.open("w", encoding="utf-8") as stream:
        json.dump({"hub": hub_key, name: content}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
