"""What requests leave behind is looked at between them, in small parts."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from flask import Flask

from shopnode.domain.collector import LEFT_OBJECTS, tidy_up
from shopnode.web.ui import request


class Knot:
    """A cycle, which only the collector takes away."""

    gone = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        Knot.gone += 1


@pytest.fixture(autouse=True)
def _asked_only() -> Iterator[None]:
    gc.collect()
    gc.disable()
    Knot.gone = 0
    yield
    gc.enable()


def test_little_is_left_lying() -> None:
    Knot()
    tidy_up()
    assert Knot.gone == 0


def test_much_is_taken_away() -> None:
    for _ in range(LEFT_OBJECTS):
        Knot()
    tidy_up()
    assert Knot.gone == LEFT_OBJECTS


def test_it_is_done_once_the_answer_is_sent() -> None:
    app = Flask("tidy")
    request.install(app, lambda: None)

    @app.get("/")
    def much() -> str:
        for _ in range(LEFT_OBJECTS):
            Knot()
        return "made"

    answer = app.test_client().get("/")
    assert (answer.get_data(), Knot.gone) == (b"made", 0)
    answer.close()
    assert Knot.gone == LEFT_OBJECTS
