"""`docs/rules/README.md` names a test for every rule, and every test it names is there."""

from __future__ import annotations

import re

from tests.test_docs import ROOT, functions_of

PAGE = ROOT / "docs" / "rules" / "README.md"
ROW = re.compile(r"^\| (\d+) \| .+ \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`")
RULES = range(1, 93)


def test_every_rule_has_one_row_and_a_test_that_proves_it() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    found = [int(number) for number, _ in rows]
    assert found == list(RULES)
    assert [number for number, proof in rows if not NAMED.search(proof)] == []


def test_every_test_the_table_names_exists() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > len(RULES)
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []


def test_nothing_else_stands_where_a_test_is_named() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "`" in line]
    assert [line for line in rows if len(NAMED.findall(line)) != line.count("::")] == []
