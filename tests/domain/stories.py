"""Stories: a few acts one after the other in a shop where things are going on, each told by name and a few numbers.

A plan reads the numbers as choices among what there is just then (`Dice`), so most of what it tries is accepted; what
is refused must leave nothing behind. The invariants are looked at after every act. A story that fails is made shorter
and its numbers smaller by Hypothesis, and is then printed act by act.

A world is made once. Every story begins in the same state (`MemoryBooks.story`), with the same time and chance.
"""

from __future__ import annotations

import copy
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, currently_in_test_context, given, note, settings
from hypothesis import strategies as st

from shopnode.domain.actions import perform
from shopnode.domain.errors import ShopError
from shopnode.domain.node import NodeHome
from shopnode.domain.permissions import Role
from tests.domain.memory_books import MemoryBooks
from tests.shop import Shop

EXAMPLES = int(os.environ.get("STORY_EXAMPLES", "2000"))
ACTS_MAX = 6

T = TypeVar("T")
Numbers = tuple[int, ...]
Story = list[tuple[str, Numbers]]
STORY_SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
)  # fmt: skip


class Dice:
    """The choices of one act. Nothing but zeros is its plainest form, to which a failing story is brought."""

    def __init__(self, numbers: Numbers):
        self._numbers, self._next = list(numbers), 0

    def of(self, choices: Sequence[T]) -> T:
        """One of these; there must be any."""
        return choices[self._take(len(choices))]

    def number(self, least: int, most: int) -> int:
        return least + self._take(most - least + 1)

    def once_in(self, times: int) -> bool:
        return self._take(times) == times - 1

    def _take(self, size: int) -> int:
        place = self._next % len(self._numbers)
        self._next += 1
        self._numbers[place], found = divmod(self._numbers[place], size)
        return found


@dataclass(frozen=True)
class Tried:
    """One call, as it is printed of a story that fails."""

    who: str
    action: str
    form: Mapping[str, Any]
    outcome: Any

    def __repr__(self) -> str:
        return f"{self.who}: {self.action} {self.form} → {self.outcome}"


@dataclass
class Counts:
    """How often each action was accepted and refused, over all stories."""

    stories: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def share_accepted(self) -> float:
        done, not_done = sum(self.accepted.values()), sum(self.refused.values())
        return done / max(1, done + not_done)

    def table(self) -> str:
        names = sorted({*self.accepted, *self.refused})
        rows = [f"{name:34} {self.accepted[name]:7,} {self.refused[name]:7,}" for name in names]
        return "\n".join([f"{self.stories:,} stories, {self.share_accepted:.0%} accepted", *rows])


class World:
    """Shops in one business, and what was told outside of them. `told` is copied anew for every story."""

    def __init__(self, *shops: tuple[Shop, MemoryBooks]):
        self.shops = [shop for shop, _ in shops]
        self.books = [books for _, books in shops]
        self.counts = Counts()
        self.told: Any = None
        self._first_told: Any = None
        self._began = [(shop.clock.now_ms, shop.clock.uptime_ms) for shop in self.shops]

    def begin_with(self, told: Any) -> None:
        """What was told before any story begins."""
        self._first_told = told
        self._began = [(shop.clock.now_ms, shop.clock.uptime_ms) for shop in self.shops]

    @contextmanager
    def story(self) -> Iterator[None]:
        self.counts.stories += 1
        with ExitStack() as stack:
            for place, (shop, books) in enumerate(zip(self.shops, self.books, strict=True)):
                stack.enter_context(books.story())
                shop.clock.now_ms, shop.clock.uptime_ms = self._began[place]
                assert isinstance(shop.home, NodeHome)
                shop.home.random = random.Random(place).randbytes
            self.told = copy.deepcopy(self._first_told)
            self.begin()
            yield

    def begin(self) -> None:
        """What else begins anew with a story."""

    def act(
        self, action: str, form: Mapping[str, Any] | None = None, /, *, at: int = 0, role: Role = Role.OWNER,
        approver: Role | None = None, action_id: str | None = None, **params: Any,
    ) -> dict[str, Any] | None:  # fmt: skip
        """What the action answered; None when it was refused, which leaves nothing behind.

        approver  who stands beside, their PIN asked before: a slow hash proves nothing here
        """
        shop, content = self.shops[at], {**(form or {}), **params}
        ctx = shop.ctx(role)
        if approver is not None:
            ctx = replace(ctx, approver=shop.actor(approver))
        head = self.head(at)
        try:
            done = perform(ctx, action, content, action_id=action_id)
        except ShopError as refusal:
            self.counts.refused[action] += 1
            _print(Tried(ctx.actor.name, action, content, f"refused: {refusal}"))
            assert self.head(at) == head, f"{action} was refused and left an entry behind"
            return None
        self.counts.accepted[action] += 1
        _print(Tried(ctx.actor.name, action, content, done.result))
        return done.result

    def head(self, at: int = 0) -> tuple[Any, ...]:
        return self.books[at].ask("SELECT head_n, head_hash FROM installation")[0]

    def pass_time(self, ms: int = 1_000) -> None:
        for shop in self.shops:
            shop.clock.advance(ms)


def _print(tried: Tried) -> None:
    """Of a story that fails, at its end."""
    if currently_in_test_context():
        note(tried)


W = TypeVar("W", bound=World)
Plan = Callable[[Any, Dice], bool]  # False: there is nothing to do it with just now


def story_of(plans: Mapping[str, Plan]) -> st.SearchStrategy[Story]:
    number = st.integers(0, 999_999)
    act = st.tuples(st.sampled_from(list(plans)), st.tuples(number, number, number))
    return st.lists(act, min_size=1, max_size=ACTS_MAX)


def tell(
    world: W, plans: Mapping[str, Plan], story: Story, check: Callable[[W], None], at_end: Callable[[W], None] | None
) -> None:
    """Do what the story says, or what comes next on the list where that cannot be done just now."""
    names = list(plans)
    with world.story():
        for name, numbers in story:
            first = names.index(name)
            for other in (*names[first:], *names[:first]):
                world.pass_time()
                if plans[other](world, Dice(numbers)):
                    break
            check(world)
        if at_end is not None:
            at_end(world)


def hold(
    world: W, plans: Mapping[str, Plan], check: Callable[[W], None], at_end: Callable[[W], None] | None = None,
    how: settings = STORY_SETTINGS,
) -> None:  # fmt: skip
    """Whatever the story, the check holds after each of its acts."""

    @how
    @given(story_of(plans))
    def whatever_is_done(story: Story) -> None:
        tell(world, plans, story, check, at_end)

    whatever_is_done()


def assert_lively(counts: Counts, *, share: float = 0.6, rare: Mapping[str, int] | None = None) -> None:
    """Most of what the stories try is accepted, and every action they know some times: else they prove little."""
    table = counts.table()
    assert counts.share_accepted >= share, table
    for name in {*counts.accepted, *counts.refused}:
        assert counts.accepted[name] >= (rare or {}).get(name, 3) * counts.stories / 2_000, f"{name}\n{table}"
