"""The page about sending, and the two buttons for a shop without internet."""

from __future__ import annotations

import io
from typing import Any

import pytest

from shopnode.domain.errors import ShopError
from shopnode.sync.carried import Exported, FileRefused, Loaded
from shopnode.sync.worker import SyncStatus
from tests.web.conftest import OURS, words


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
