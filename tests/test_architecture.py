"""The house keeps its rules, and each rule is shown to catch what it forbids."""

import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.house_rules import FILE_LINES_MAX, FUNCTION_LINES_MAX, HOME, PACKAGES, RULES, Rule, Source, sources

RULE = {rule.name: rule for rule in RULES}
LONG_FUNCTION = "def sell() -> None:\n" + "    step()\n" * FUNCTION_LINES_MAX
LONG_FILE = "# a line\n" * (FILE_LINES_MAX + 1)

# rule, file, what it says, the line that breaks the rule
PLANTED = [
    ("commit", "cloudhub/app.py", "def view(session):\n    session.commit()\n", 2),
    ("float", "shopnode/a.py", "total_minor = float(text)\n", 1),
    ("float", "shopnode/a.py", "def pay(amount: float): ...\n", 1),
    ("float", "shopnode/a.py", "price = 1.18 * net\n", 1),
    ("float", "shopnode/a.py", "each = total_minor / count\n", 1),
    ("print", "sync_protocol/a.py", "x = 1\nprint(x)\n", 2),
    ("clock", "shopnode/a.py", "from datetime import datetime\nnow = datetime.now(UTC)\n", 2),
    ("clock", "shopnode/a.py", "import datetime\nnow = datetime.datetime.utcnow()\n", 2),
    ("clock", "shopnode/a.py", "import time\nx = time.time()\n", 2),
    ("clock", "shopnode/a.py", "from time import time\n", 1),
    ("clock", "shopnode/a.py", "import uuid\nx = uuid.uuid4()\n", 2),
    ("clock", "cloudhub/a.py", "from uuid import uuid4\n", 1),
    ("clock", "cloudhub/a.py", "import random\n", 1),
    ("clock", "cloudhub/a.py", "from random import shuffle\n", 1),
    ("docstring", "shopnode/new/__init__.py", "x = 1\n", 1),
    ("function-size", "tests/a.py", f"\n{LONG_FUNCTION}", 2),
    ("file-size", "shopnode/web/ui/assets/css/a.css", LONG_FILE, FILE_LINES_MAX + 1),
    ("safe", "shopnode/web/a.html", "<p>\n{{ name | safe }}", 2),
    ("safe", "shopnode/web/a.html", "{% autoescape false %}", 1),
    ("outside-link", "shopnode/web/a.html", '<script src="https://cdn.example/x.js"></script>', 1),
    ("outside-link", "shopnode/web/a.html", "<img src='//cdn.example/x.png'>", 1),
    ("outside-link", "shopnode/web/ui/assets/css/a.css", "@import url(http://cdn.example/x.css);", 1),
    ("inline-code", "shopnode/web/a.html", "<p>\n<script>alert(1)</script>", 2),
    ("inline-code", "shopnode/web/a.html", '<p style="color: red">', 1),
    ("inline-code", "shopnode/web/a.html", "<button onclick='x()'>", 1),
]


@pytest.fixture(scope="module")
def house() -> list[Source]:
    """Every file, read and parsed once for all rules."""
    return sources()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_house_keeps_its_rules(rule: Rule, house: list[Source]) -> None:
    assert not [violation for source in house for violation in rule.violations(source)]


@pytest.mark.parametrize(("name", "path", "text", "line_no"), PLANTED)
def test_each_rule_catches_what_it_forbids(name: str, path: str, text: str, line_no: int) -> None:
    assert RULE[name].violations(Source(path, text)) == [f"{path}:{line_no}: {name}: {RULE[name].says}"]


def test_every_rule_has_a_planted_violation() -> None:
    assert {name for name, *_ in PLANTED} == set(RULE)


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("commit", "shopnode/domain/actions.py", "session.commit()"),
        ("commit", "tests/test_x.py", "session.commit()"),
        ("clock", "shopnode/domain/clock.py", "x = time.time()"),
        ("clock", "shopnode/a.py", "x = clock.now()"),
        ("float", "shopnode/a.py", "timeout_s = 0.5"),
        ("float", "shopnode/a.py", "half_minor = total_minor // 2"),
        ("outside-link", "shopnode/web/a.html", '<svg xmlns="http://www.w3.org/2000/svg"><a href="/sales">'),
        ("inline-code", "shopnode/web/a.html", '<script type="module" src="{{ asset(name) }}"></script>'),
        ("function-size", "tests/a.py", LONG_FUNCTION.removesuffix("    step()\n")),
    ],
)
def test_rules_leave_right_code_alone(name: str, path: str, text: str) -> None:
    assert not RULE[name].violations(Source(path, text))


def test_an_escape_names_its_rule_and_gives_a_reason() -> None:
    def found(comment: str) -> bool:
        return bool(RULE["print"].violations(Source("shopnode/a.py", f"{comment}\nprint(1)\n")))

    assert not found("# house: print — a pipe reads this")
    assert found("# house: print")
    assert found("# house: print —")
    assert found("# house: clock — a pipe reads this")


def test_the_rules_look_at_every_package() -> None:
    read = {source.path for source in sources()}

    assert {f"{package}/__init__.py" for package in PACKAGES} <= read
    assert not [path for path in read if "node_modules" in path or "/dist/" in path]


def test_a_test_cannot_leave_the_machine() -> None:
    with socket.socket() as sock, pytest.raises(AssertionError, match="tried to connect"):
        sock.connect(("192.0.2.1", 80))  # an address reserved for documentation


# --- who imports whom


FORBIDDEN_IMPORTS = {
    "sync_protocol/planted.py": "import sqlalchemy",
    "shopnode/planted.py": "import cloudhub",
    "shopnode/domain/planted.py": "import shopnode.documents",
    "shopnode/documents/planted.py": "import flask",
    "cloudhub/planted.py": "import shopnode.web.counter",
    "shopnode/api/planted.py": "import shopnode.cli",
    "shopnode/web/ui/planted.py": "import shopnode.web.office",
}


def test_each_import_contract_catches_a_planted_import(tmp_path: Path) -> None:
    for folder in (HOME / package for package in PACKAGES):
        for file in folder.rglob("__init__.py"):
            copy = tmp_path / file.relative_to(HOME)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    (tmp_path / "shopnode/cli.py").touch()
    for path, statement in FORBIDDEN_IMPORTS.items():
        (tmp_path / path).write_text(statement)
    config = shutil.copy(HOME / ".importlinter", tmp_path)

    linted = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache", "--config", config],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "COLUMNS": "300", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )

    assert f"Contracts: 0 kept, {len(FORBIDDEN_IMPORTS)} broken." in linted.stdout, linted.stdout + linted.stderr


# --- papers


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(file.name for file in (HOME / "docs/decisions").glob("*.md"))

    assert [name for name in names if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)] == []
    assert [int(name[:4]) for name in names] == list(range(len(names)))


def test_a_decision_says_context_decision_price_and_alternatives() -> None:
    for file in (HOME / "docs/decisions").glob("*.md"):
        headings = re.findall(r"^## (.+)$", file.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Price", "Alternatives"], file.name


def test_links_in_the_papers_lead_somewhere() -> None:
    papers = [HOME / "README.md", *(HOME / "docs").rglob("*.md"), *(HOME / "installers").rglob("*.md")]
    links = [(paper, link) for paper in papers for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", paper.read_text())]

    assert links
    assert not [f"{paper.relative_to(HOME)}: {link}" for paper, link in links if not (paper.parent / link).exists()]


# --- locks


def locked(name: str) -> dict[str, str]:
    text = (HOME / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", text, re.MULTILINE))


def test_locks_name_no_registry_and_no_place() -> None:
    for file in (*(HOME / "requirements").glob("*.txt"), HOME / "package-lock.json"):
        for line in file.read_text().splitlines():
            assert not re.search(r"--(extra-)?index|--find-links|file:|\"resolved\"|://[^/]*(pypi|npm)", line), line


def test_what_developers_install_is_what_shops_run() -> None:
    assert locked("runtime").items() <= locked("dev").items()


def test_every_locked_package_has_a_hash() -> None:
    for file in (HOME / "requirements").glob("*.txt"):
        entries = re.split(r"^(?=[a-z])", file.read_text(), flags=re.MULTILINE)
        assert not [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((HOME / "pyproject.toml").read_text())
    named = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]

    assert {re.split(r"[\[>=]", name)[0] for name in named} <= set(locked("dev"))
