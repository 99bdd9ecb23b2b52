"""The files of `shopnode sync`: read and written here, by whoever typed the command, and not by the running shop."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from shopnode.domain.errors import Conflict, Invalid
from shopnode.machine.commands import FILE_BYTES_MAX

Run = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class CannotWrite(Conflict):
    code = "cannot-write"


def export_file(run: Run, path: Path, max_mb: int) -> tuple[dict[str, Any], str]:
    """Have the shop make the file and put it in its place, whole or not at all. Returns what it holds, and words."""
    saved = run("sync export", {"max_mb": max_mb})
    content = b64decode(saved.pop("content"))
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise CannotWrite(f"{path} cannot be written: {fault.strerror or fault}.") from None
    words = f"{path} holds {saved['entries']} entries. Load it at the hub, then bring its answer back."
    if saved["left"]:
        words += f" {saved['left']} more did not fit: load the answer first, then save the next file."
    return {**saved, "file": str(path)}, words


def import_answer(run: Run, file: IO[bytes]) -> dict[str, Any]:
    """Hand an answer to the shop."""
    content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise Invalid({"file": f"is larger than {FILE_BYTES_MAX // 2**20} MiB: no answer is"})
    return run("sync import", {"content": b64encode(content).decode()})
