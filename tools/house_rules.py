"""The rules of the house that no other linter knows; `tests/test_architecture.py` runs them.

Each rule is a function from one file to the lines that break it. A line is excused by a named
escape with a reason, on it or on the line above: `# house: clock — the monotonic wait needs it`.
Printed as a list by `python -m tools.house_rules`.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
PACKAGES = ("sync_protocol", "shopnode", "cloudhub")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

# Who may commit: the door, and what opens the sessions it uses.
DOOR = ("shopnode/domain/actions.py", "shopnode/domain/db.py", "shopnode/domain/engine.py")
# Where time, ids and chance come from; all others are handed them.
CLOCKS = ("shopnode/domain/clock.py", "shopnode/domain/ids.py")
HIDDEN_CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"),
    *("uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7", "random"),
}

ESCAPE = re.compile(r"house: (?P<rule>[a-z-]+) — \w+")
MONEY = re.compile(r"_minor|price|amount")
OUTSIDE_LINK = re.compile(r"""\b(src|href|action|srcset)\s*=\s*["']?(https?:)?//|url\(\s*["']?(https?:)?//""")
INLINE_CODE = re.compile(
    r"<script(?![^>]*\b(src|type=.application/json)\b)|<style\b|\s(style|on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE
)
UNESCAPED = re.compile(r"\|\s*safe\b|autoescape\s+false|\bMarkup\(")


@dataclass(frozen=True)
class Source:
    """One file: where it stands, relative to the checkout, and what it says."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def is_shipped(self) -> bool:
        return self.path.startswith(PACKAGES)

    def excuses(self, rule: str, line_no: int) -> bool:
        """Whether a named escape with a reason stands on the line or on the one above."""
        near = self.lines[max(0, line_no - 2) : line_no]
        return any(match["rule"] == rule for line in near for match in ESCAPE.finditer(line))


Finder = Callable[[Source], Iterator[int]]


@dataclass(frozen=True)
class Rule:
    """What a rule is called in an escape, what it says, and which files it reads."""

    name: str
    says: str
    suffixes: tuple[str, ...]
    find: Finder
    shipped_only: bool = True
    allowed: tuple[str, ...] = field(default=())

    def reads(self, source: Source) -> bool:
        return (
            source.path.endswith(self.suffixes)
            and source.path not in self.allowed
            and (source.is_shipped or not self.shipped_only)
        )

    def violations(self, source: Source) -> list[str]:
        if not self.reads(source):
            return []
        lines = [no for no in self.find(source) if not source.excuses(self.name, no)]
        return [f"{source.path}:{no}: {self.name}: {self.says}" for no in lines]


def commits(source: Source) -> Iterator[int]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield node.lineno


def floats_near_money(source: Source) -> Iterator[int]:
    for node in source.nodes:
        match node:
            case ast.Name(id="float") | ast.Constant(value=float()) if MONEY.search(source.lines[node.lineno - 1]):
                yield node.lineno
            case ast.BinOp(op=ast.Div()) if "_minor" in ast.unparse(node):
                yield node.lineno


def prints(source: Source) -> Iterator[int]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno


def hidden_clocks(source: Source) -> Iterator[int]:
    for node in source.nodes:
        if isinstance(node, ast.expr | ast.stmt) and not HIDDEN_CLOCKS.isdisjoint(names_reached(node)):
            yield node.lineno


def names_reached(node: ast.expr | ast.stmt) -> list[str]:
    """What an expression or an import takes from a module, as `module.name`."""
    match node:
        case ast.Attribute(value=owner, attr=attr):
            return [f"{ast.unparse(owner).rpartition('.')[2]}.{attr}"]
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=str(module), names=names):
            return [module, *(f"{module}.{name.name}" for name in names)]
    return []


def long_functions(source: Source) -> Iterator[int]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            if last - node.lineno + 1 > FUNCTION_LINES_MAX:
                yield node.lineno


def long_files(source: Source) -> Iterator[int]:
    if len(source.lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1


def missing_docstring(source: Source) -> Iterator[int]:
    if not ast.get_docstring(source.tree):
        yield 1


def matching(pattern: re.Pattern[str]) -> Finder:
    """A finder of the lines that match."""

    def find(source: Source) -> Iterator[int]:
        return (no for no, line in enumerate(source.lines, 1) if pattern.search(line))

    return find


PYTHON = (".py",)
TEMPLATES = (".html", ".jinja")
PAGES = (".css", *TEMPLATES)
RULES = (
    Rule("commit", "only the door commits; write through perform()", PYTHON, commits, allowed=DOOR),
    Rule("float", "money is whole minor units, with no float and no / near it", PYTHON, floats_near_money),
    Rule("print", "say it by click.echo or the log", PYTHON, prints),
    Rule("clock", "time, ids and chance are handed in", PYTHON, hidden_clocks, allowed=CLOCKS),
    Rule("docstring", "a module says what it is for", PYTHON, missing_docstring),
    Rule("safe", "no markup passes unescaped", (*PYTHON, *TEMPLATES), matching(UNESCAPED)),
    Rule("outside-link", "a page needs nothing from elsewhere; ship the file", PAGES, matching(OUTSIDE_LINK)),
    Rule("inline-code", "the content policy blocks inline code", TEMPLATES, matching(INLINE_CODE)),
    Rule(
        "function-size",
        f"a function has at most {FUNCTION_LINES_MAX} lines",
        PYTHON,
        long_functions,
        shipped_only=False,
    ),
    Rule(
        "file-size",
        f"a file has at most {FILE_LINES_MAX} lines",
        (*PYTHON, ".js", ".mjs", *PAGES),
        long_files,
        shipped_only=False,
    ),
)


def sources(home: Path = HOME) -> list[Source]:
    """Every file of ours that a rule may read; what was built or installed is not ours."""
    suffixes = tuple(suffix for rule in RULES for suffix in rule.suffixes)
    folders = (*PACKAGES, "tests", "tools", "frontend")
    files = (file for folder in folders for file in sorted((home / folder).rglob("*")) if file.name.endswith(suffixes))
    names = ((file, file.relative_to(home).as_posix()) for file in files)
    return [Source(name, file.read_text(encoding="utf-8")) for file, name in names if "/static/dist" not in name]


def main() -> None:
    found = [violation for source in sources() for rule in RULES for violation in rule.violations(source)]
    for violation in found:
        print(violation)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
