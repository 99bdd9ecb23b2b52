"""Logs as JSON lines: what happened, when and where; never a row, a name, an address or a secret."""

from __future__ import annotations

import logging
import sys

import orjson

from shopnode.domain.clock import to_datetime

SAID = ("code", "kind", "path", "tenant", "node", "status", "took_ms", "count")


class JsonLines(logging.Formatter):
    """One line of JSON for each record; only the members listed in `SAID` are taken from what the caller adds."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": to_datetime(int(record.created) * 1000).isoformat(),
            "level": record.levelname.lower(),
            "what": record.getMessage(),
            "where": record.name,
        }
        line.update({name: getattr(record, name) for name in SAID if hasattr(record, name)})
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = _places(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


def _places(error: BaseException) -> list[str]:
    """Where it happened, without the error's words: those may repeat values."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send every record of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
