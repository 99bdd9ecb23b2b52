"""`shopnode sync --export` and `--import`: the files are the typist's, whole or not there."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from shopnode.domain.errors import Invalid
from shopnode.machine.carrying import CannotWrite, export_file, import_answer
from shopnode.machine.commands import FILE_BYTES_MAX
from tests.node.conftest import ShopOnDisk

SAVED = {"entries": 3, "left": 2, "bytes": 7}


def answering(*wanted: str) -> Any:
    def run(name: str, args: Any) -> dict[str, Any]:
        assert name in wanted
        return {**SAVED, "content": b64encode(b"content").decode()}

    return run


def test_the_file_is_written_and_told(tmp_path: Path) -> None:
    path = tmp_path / "day.shop"
    saved, words = export_file(answering("sync export"), path, 10)
    assert path.read_bytes() == b"content"
    assert saved == {**SAVED, "file": str(path)}
    assert "2 more did not fit" in words
    assert list(tmp_path.iterdir()) == [path]


def test_a_stick_that_is_gone_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="cannot be written"):
        export_file(answering("sync export"), tmp_path / "gone" / "day.shop", 10)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_answer_is_not_read() -> None:
    with pytest.raises(Invalid):
        import_answer(answering(), io.BytesIO(bytes(FILE_BYTES_MAX + 1)))


def test_a_shop_on_its_own_has_nothing_to_save(new_shop: ShopOnDisk, tmp_path: Path) -> None:
    refused = new_shop.document("sync", "--export", str(tmp_path / "day.shop"), code=1)
    assert refused["error"]["code"] == "not-enrolled"
    (tmp_path / "x.answer").write_bytes(b"x")
    refused = new_shop.document("sync", "--import", str(tmp_path / "x.answer"), code=1)
    assert refused["error"]["code"] == "not-enrolled"
    assert new_shop.run("sync", "--once", "--export", str(tmp_path / "day.shop")).exit_code == 2
