"""Importing a table: plan each line, perform what it asks for, and say of each line what became of it.

Lines are performed in chunks, one transaction each. When a line of a chunk is refused, the chunk is done again line by
line: the right ones are taken, the wrong one is explained, and no line is ever half done. Where all or nothing is
asked for, one wrong line is enough and nothing is taken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from shopnode.domain.actions import perform, perform_many
from shopnode.domain.context import Context
from shopnode.domain.errors import Busy, Invalid, NotPermitted, ShopError
from shopnode.domain.sheets import LineResult, Row, Verdict

CHUNK_LINES = 100


@dataclass(frozen=True)
class Planned:
    """What a line will do: an action with its fields, or none; and the result to report when it is done."""

    result: LineResult
    act: tuple[str, Mapping[str, Any]] | None = None


WHOLE_MAX = 20_000  # lines that are taken all or none: the others wait for as long as one transaction lasts
NOT_TAKEN = "Not taken: another line is wrong, and all or nothing was asked for."

Planner = Callable[[Context, list[Row]], list[Planned]]


def run_import(
    ctx: Context, rows: Iterable[Row], plan: Planner, *, dry_run: bool, whole: bool = False
) -> Iterator[LineResult]:
    """Plan and perform chunk by chunk. A dry run plans only.

    whole  all lines in one transaction, or none when one of them is wrong
    """
    if whole and not dry_run:
        yield from _perform_whole(ctx, _planned(ctx, rows, plan))
        return
    for planned in _planned(ctx, rows, plan):
        yield from (line.result for line in planned) if dry_run else _perform_all(ctx, planned)


def _planned(ctx: Context, rows: Iterable[Row], plan: Planner) -> Iterator[list[Planned]]:
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK_LINES)):
        with ctx.home.reading() as session:
            planned = plan(ctx.inside(session), chunk)
        yield planned


def _perform_whole(ctx: Context, chunks: Iterable[list[Planned]]) -> Iterator[LineResult]:
    """Everything in one transaction, and nothing of it when a line is wrong or a refusal comes. Raises Invalid."""
    planned: list[Planned] = []
    for chunk in chunks:
        planned += chunk
        if len(planned) > WHOLE_MAX:
            raise Invalid({"file": f"has more than {WHOLE_MAX:,} lines, too many to take all or none. Split it"})
    if any(line.result.verdict is Verdict.WRONG for line in planned):
        yield from (_not_taken(line) for line in planned)
        return
    try:
        perform_many(ctx, [(*line.act, None) for line in planned if line.act])
    except (NotPermitted, Busy):
        raise
    except ShopError as refusal:
        says = in_words(refusal, {})
        yield from (_not_taken(line) for line in planned)
        yield LineResult(0, Verdict.WRONG, "The whole file", (*says, "Nothing was changed."))
    else:
        yield from (line.result for line in planned)


def _not_taken(line: Planned) -> LineResult:
    return replace(line.result, verdict=Verdict.SKIPPED, says=(NOT_TAKEN,)) if line.act else line.result


@dataclass
class Account:
    """What became of a file: every line counted, and as many of them kept as somebody looks at, wrong ones first."""

    lines_max: int
    counts: Counter[Verdict] = field(default_factory=Counter)
    _kept: dict[Verdict, list[LineResult]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: LineResult) -> None:
        self.counts[line.verdict] += 1
        if len(self._kept[line.verdict]) < self.lines_max:
            self._kept[line.verdict].append(line)

    @property
    def total(self) -> int:
        return self.counts.total()

    def lines(self) -> list[LineResult]:
        """What needs a person first, in the order of the file; at most `lines_max`."""
        return [line for verdict in WORST_FIRST for line in self._kept[verdict]][: self.lines_max]


WORST_FIRST = (Verdict.WRONG, Verdict.CHANGED, Verdict.NEW, Verdict.SKIPPED, Verdict.UNCHANGED)


def tally(results: Iterable[LineResult]) -> Counter[Verdict]:
    """How many lines had each verdict."""
    return Counter(result.verdict for result in results)


def _perform_all(ctx: Context, planned: list[Planned]) -> Iterator[LineResult]:
    acts = [(*line.act, None) for line in planned if line.act]
    try:
        if acts:
            perform_many(ctx, acts)
    except (NotPermitted, Busy):
        raise
    except ShopError:
        yield from (_perform_one(ctx, line) for line in planned)
    else:
        yield from (line.result for line in planned)


def _perform_one(ctx: Context, line: Planned) -> LineResult:
    if line.act is None:
        return line.result
    try:
        perform(ctx, *line.act)
    except (NotPermitted, Busy):
        raise
    except ShopError as refusal:
        return replace(line.result, verdict=Verdict.WRONG, says=in_words(refusal, {}))
    return line.result


def in_words(refusal: ShopError, titles: Mapping[str, str]) -> tuple[str, ...]:
    """A refusal as lines for a list; fields by the titles the sender gave them."""
    if isinstance(refusal, Invalid):
        return tuple(_sentence(f"{titles.get(name, name)} {text}") for name, text in refusal.fields.items())
    return (str(refusal),)


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."
