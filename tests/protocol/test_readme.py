"""The page about the protocol says what the code does."""

import importlib
import re
from pathlib import Path
from typing import get_args

import sync_protocol
from sync_protocol import bells, blobs, carried, digests, forks, messages, snapshots, versions
from sync_protocol.problems import PROBLEMS
from tests.protocol.write_examples import FOLDER

PACKAGE = Path(sync_protocol.__file__).parent
README = (PACKAGE / "README.md").read_text()
MODELS = (messages, forks, snapshots, digests, bells, blobs, carried)
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "%": 1}
TIMES = {"s": 1, "min": 60}


def code(name):
    module, _, attribute = name.partition(".")
    return getattr(importlib.import_module(f"sync_protocol.{module}"), attribute)


def test_the_numbers_are_those_of_the_code():
    rows = re.findall(r"^\| [^|]+ \| ([\d,]+) ?(\w+|%|) \| `(\w+\.\w+)` \|$", README, re.M)
    assert len(rows) == 28
    for number, unit, name in rows:
        value = int(number.replace(",", ""))
        scale = TIMES[unit] * (1000 if name.endswith("_MS") else 1) if unit in TIMES else UNITS[unit]
        assert code(name) == value * scale, name


def test_the_answers_are_those_of_the_code():
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (\w+) \|$", README, re.M)
    assert rows == sorted((str(p.status), p.code, p.action.value) for p in PROBLEMS.values())
    believed = {problem.code for problem in PROBLEMS.values() if problem.unsigned_ok}
    assert believed == set(re.findall(r"`(\w+)`", README.split("unsigned, only ")[1].split(" are believed")[0]))


def test_the_verdicts_are_those_of_the_code():
    named = README.split("a verdict inside an answer: ")[1].split(".")[0]
    assert tuple(re.findall(r"`(\w+)`", named)) == get_args(messages.EntryVerdict.model_fields["verdict"].annotation)


def test_the_versions_are_those_of_the_code():
    assert f"Protocol {versions.PROTOCOL_VERSION}, schema {versions.SCHEMA_VERSION}." in README


def test_every_name_on_the_page_exists():
    for name in re.findall(r"`(\w+\.[A-Za-z_]+)`", README):
        assert (PACKAGE / name).exists() if name.endswith(".py") else code(name), name
    table = README.split("## In which order")[0]
    for name in re.findall(r"`([A-Z]\w+)`", table):
        assert any(hasattr(module, name) for module in MODELS), name
    for name in re.findall(r"`([a-z]+_[a-z]+|hello)`", table):
        assert list(FOLDER.glob(f"{name}.v*.json")), name


def test_every_module_is_small_and_says_what_it_is_for():
    for module in PACKAGE.glob("*.py"):
        text = module.read_text()
        assert text.startswith('"""'), module.name
        assert text.count("\n") <= 350, module.name


def test_the_ground_floor_imports_nothing_of_ours():
    for module in PACKAGE.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (shopnode|cloudhub|tests)", module.read_text(), re.M), module.name


def test_every_call_is_on_the_page():
    """Of the hub's calls that this package describes; the page names each with its method."""
    calls = set()
    for module in PACKAGE.glob("*.py"):
        calls |= set(re.findall(r"`((?:GET|POST) /sync/[a-z0-9/]+)", module.read_text()))
    assert {call for call in calls if f"`{call}" not in README} == set()
    assert len(calls) >= 7
