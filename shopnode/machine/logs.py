"""The log: one JSON object a line, for people who look after the computer. No personal data, no secrets.

Invariants:
  * Messages of other people's libraries are reduced to who complained and how badly; ours are written as they are.
  * An exception is its type and the places it passed. Its text is left out: database errors quote the row.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

OURS = ("shopnode", "cloudhub", "sync_protocol")
FRAMES_MAX = 12
FILES_KEPT = 3


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Figures go in by `extra={"figures": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        # The record's own stamp, made by logging: a log needs no injected clock.
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "from": record.name}
        if record.name.partition(".")[0] in OURS:
            line["event"] = record.getMessage()
        else:
            line["event"] = str(record.msg).partition(":")[0] if not record.args else str(record.msg)
        line |= getattr(record, "figures", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["passed"] = _places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=str)


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES_MAX:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def set_up_logs(folder: Path, bytes_max: int, *, also_stderr: bool = False) -> None:
    """Send every record of this process to `folder/node.log`, turned over when it is full."""
    folder.mkdir(mode=0o700, exist_ok=True)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(folder / "node.log", maxBytes=bytes_max, backupCount=FILES_KEPT, encoding="utf-8")
    ]
    if also_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    root = logging.getLogger()
    root.handlers[:] = handlers
    for handler in handlers:
        handler.setFormatter(JsonLines())
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)


WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def log_requests(app: WsgiApp, mono_ms: Callable[[], int]) -> WsgiApp:
    """Log each request's method, path, status and duration; never its query, which may name a customer."""
    log = logging.getLogger("shopnode.requests")

    def logged(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = mono_ms()

        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            figures = {"path": environ.get("PATH_INFO", ""), "status": int(status[:3]), "ms": mono_ms() - began}
            log.info(environ.get("REQUEST_METHOD", ""), extra={"figures": figures})
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return app(environ, start)

    return logged
