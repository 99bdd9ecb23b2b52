"""The front-end build: the same bytes each time, names that carry a hash, and a counter page that stays light."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from tools.house_rules import HOME

COUNTER_PAGE_KB_MAX = 75  # scripts and styles as sent; a cheap tablet on shop Wi-Fi


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built") / "dist")


def build(folder: Path) -> Path:
    subprocess.run(["node", "frontend/build.mjs", folder], cwd=HOME, check=True, capture_output=True, text=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert contents(build(tmp_path / "again")) == contents(built)


def test_the_manifest_names_what_is_there(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())

    assert {"app.css", "licences.txt"} <= set(manifest)
    assert not [name for name in manifest.values() if not (built / name).is_file()]


def test_text_has_a_gzipped_twin(built: Path) -> None:
    twins = list(built.glob("*.gz"))

    assert {file.suffix for file in (Path(twin.stem) for twin in twins)} >= {".css", ".txt"}
    assert all(gzip.decompress(twin.read_bytes()) == twin.with_suffix("").read_bytes() for twin in twins)


def test_the_counter_page_stays_light(built: Path) -> None:
    sent = [twin for kind in ("js", "css") for twin in built.glob(f"*.{kind}.gz")]

    assert sum(twin.stat().st_size for twin in sent) <= COUNTER_PAGE_KB_MAX * 1024


def test_nothing_built_asks_for_anything_from_elsewhere(built: Path) -> None:
    for file in built.glob("*.css"):
        assert "://" not in file.read_text().replace("http://www.w3.org/", "")
