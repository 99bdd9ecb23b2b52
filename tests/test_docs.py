"""The papers tell the truth: every function a page names exists where it says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`([a-z_/]+\.py)::([a-z_]+)`")


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def named_in(page: Path) -> list[tuple[str, str]]:
    return NAMED.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_function_a_page_names_exists(page):
    gone = [f"{path}::{name}" for path, name in named_in(page) if name not in functions_of(path)]
    assert gone == []


def test_the_page_about_a_sale_names_its_way():
    assert len(named_in(ROOT / "docs" / "how-a-sale-flows.md")) >= 25


def test_a_name_that_is_gone_is_noticed():
    assert "no_such_function" not in functions_of("shopnode/domain/actions.py")
    assert "perform" in functions_of("shopnode/domain/actions.py")
