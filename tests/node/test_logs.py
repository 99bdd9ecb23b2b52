"""The log: useful to who looks after the computer, and nothing in it about anybody."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from shopnode.machine.logs import JsonLines, log_requests

NAME = "Zawedde Immaculate"


def line_of(name: str, message: str, *args: object, **more: Any) -> dict[str, Any]:
    record = logging.getLogger(name).makeRecord(name, logging.WARNING, "f", 1, message, args, more.get("exc_info"))
    vars(record).update(more.get("extra", {}))
    text = JsonLines().format(record)
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def test_an_exception_is_its_kind_and_its_way_and_never_its_words() -> None:
    import sys

    try:
        raise IntegrityError("INSERT INTO customer", {"name": NAME}, Exception(f"UNIQUE failed for {NAME}"))
    except IntegrityError:
        line = line_of("shopnode.api", "a request failed", exc_info=sys.exc_info())
    assert line["error"] == "IntegrityError"
    assert line["passed"][0].startswith("test_logs.py:")
    assert NAME not in json.dumps(line)


@pytest.mark.parametrize(
    ("message", "args"), [("bad request: %s", (NAME,)), (f"cannot parse: {NAME}", ()), ("%s", (NAME,))]
)
def test_other_libraries_words_are_left_out(message: str, args: tuple[object, ...]) -> None:
    assert NAME not in json.dumps(line_of("waitress", message, *args))


def test_our_own_words_and_figures_are_written() -> None:
    line = line_of("shopnode.sync", "sync %s: %s", "offline", "dns", extra={"figures": {"ms": 3}})
    assert (line["event"], line["ms"], line["level"]) == ("sync offline: dns", 3, "warning")


def test_a_request_is_its_path_and_not_its_question(caplog: pytest.LogCaptureFixture) -> None:
    ticks = iter((100, 107))

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"x"]

    logged = log_requests(app, lambda: next(ticks))
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/customers", "QUERY_STRING": f"q={NAME}"}
    with caplog.at_level(logging.INFO, "shopnode.requests"):
        assert list(logged(environ, lambda *a: None)) == [b"x"]
    figures = caplog.records[0].figures  # type: ignore[attr-defined]
    assert figures == {"path": "/customers", "status": 200, "ms": 7}
    assert NAME not in JsonLines().format(caplog.records[0])
