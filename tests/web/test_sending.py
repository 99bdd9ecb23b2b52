"""The page about sending, and the two buttons for a shop without internet."""

from __future__ import annotations

import html
import io
from typing import Any

import pytest

from shopnode.domain.errors import ShopError
from shopnode.sync.carried import Exported, FileRefused, Loaded
from shopnode.sync.worker import STOPPING, SyncStatus
from sync_protocol.problems import PROBLEMS
from tests.web.conftest import OURS, words

STOPS = [problem for problem in PROBLEMS.values() if problem.action in STOPPING]


class Carrying:
    """A worker that says what a test wants."""

    def __init__(self) -> None:
        self.now = SyncStatus(3, 1_790_000_000_000, "offline", "No connection to the hub")
        self.loaded: list[bytes] = []
        self.refuses: ShopError | None = None

    def status(self) -> SyncStatus:
        return self.now

    def save_file(self, file: Any) -> Exported:
        file.write(b"the file")
        return Exported(3, 0, 8)

    def load_file(self, file: Any) -> Loaded:
        if self.refuses:
            raise self.refuses
        self.loaded.append(file.read())
        return Loaded(accepted=3, lines=2)


@pytest.fixture
def carrying(app: Any) -> Carrying:
    made = Carrying()
    app.extensions["node"].sync = made
    return made


def upload(browser: Any, path: str, content: bytes, name: str = "x.answer") -> Any:
    data = {"file": (io.BytesIO(content), name)}
    return browser.client.post(path, data=data, headers=OURS, content_type="multipart/form-data")


def test_what_waits_is_said_and_saved_to_a_file(sarah: Any, carrying: Carrying) -> None:
    assert "3 entries wait" in words(sarah.get("/status/sending"))
    answer = sarah.post("/status/sending/file")
    assert (answer.status_code, answer.data) == (200, b"the file")
    assert ".shop" in answer.headers["Content-Disposition"]


def test_the_answer_is_loaded_and_told_in_words(sarah: Any, carrying: Carrying) -> None:
    answer = upload(sarah, "/status/sending/answer", b"content")
    assert carrying.loaded == [b"content"]
    assert "The hub has 3 more entries" in words(answer)


def test_a_refused_answer_is_said_in_place(sarah: Any, carrying: Carrying) -> None:
    carrying.refuses = FileRefused("This answer is for another shop's computer. Nothing was changed.")
    answer = upload(sarah, "/status/sending/answer", b"content")
    assert answer.status_code == 409
    assert "for another shop" in words(answer)
    assert upload(sarah, "/status/sending/answer", b"", name="").status_code == 422


def test_files_are_for_those_who_may_take_data_out(aisha: Any, carrying: Carrying) -> None:
    assert aisha.get("/status/sending").status_code == 403
    assert aisha.post("/status/sending/file").status_code == 403
    assert upload(aisha, "/status/sending/answer", b"content").status_code == 403
    assert carrying.loaded == []


@pytest.mark.parametrize("problem", STOPS, ids=[problem.code for problem in STOPS])
@pytest.mark.parametrize("waiting", [0, 2])
def test_every_stop_is_told_before_any_count_on_every_screen(
    sarah: Any, carrying: Carrying, problem: Any, waiting: int
) -> None:
    carrying.now = SyncStatus(waiting, 1_790_000_000_000 if waiting else None, "stopped", problem.sentence)
    for path in ("/sell", "/status/sending", "/status/link"):
        told = html.unescape(words(sarah.get(path)))
        assert problem.sentence in told and "Selling goes on" in told, path
        assert "Sending has stopped" in told and "All sent" not in told
        assert ("2 waiting" in told) is bool(waiting)
    assert 'class="banner' in sarah.get("/sell").text.split('id="link-told"')[1].split("<main")[0]


def test_no_strip_is_drawn_while_sending_goes_by_itself(sarah: Any, carrying: Carrying) -> None:
    for state in ("ok", "sending", "offline"):
        carrying.now = SyncStatus(0, None, state, "No connection to the hub")  # type: ignore[arg-type]
        assert 'class="banner' not in sarah.get("/sell").text.split('id="link-told"')[1].split("<main")[0]


def test_what_the_hub_keeps_and_has_not_entered_is_not_called_sent(sarah: Any, carrying: Carrying) -> None:
    carrying.now = SyncStatus(0, None, "ok", "", aside=1)
    for path in ("/sell", "/status/sending", "/status/link"):
        told = html.unescape(words(sarah.get(path)))
        assert "1 entry not in the owner's books" in told and "All sent" not in told
        assert "could not be entered in the books there" in told
    carrying.now = SyncStatus(0, None, "ok", "", held=2)
    told = html.unescape(words(sarah.get("/status/link")))
    assert "2 entries held at the hub" in told and "All sent" not in told


def test_all_sent_says_up_to_when_and_that_the_line_is_down(sarah: Any, carrying: Carrying) -> None:
    carrying.now = SyncStatus(0, None, "offline", "No connection to the hub")
    told = words(sarah.get("/status/link"))
    assert "All sent, no internet" in told and "No connection to the hub. Selling goes on." in told
