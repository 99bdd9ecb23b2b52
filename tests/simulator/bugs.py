"""Bugs that are planted on purpose, to see that the simulator finds them: each is a mistake somebody could make.

Each is a context manager that replaces real code for a while. `tests/simulator/test_planted_bugs.py` asks how many
seeds it takes until each is caught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import psycopg

import cloudhub.merge.admission as admission
import cloudhub.merge.exchange as hub_exchange
import cloudhub.merge.feed as feed
import cloudhub.merge.registers as registers
import shopnode.domain.node as node
import shopnode.machine.runtime as runtime
import shopnode.sync.exchange as node_exchange
import shopnode.sync.pages as node_pages
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import keep_entries, lock_head
from cloudhub.merge.settle import settle
from cloudhub.merge.work import Work, examine_all
from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.capture import Capture, driver_cursor
from shopnode.domain.projections import Changed, project
from shopnode.sync.exchange import Exchanger
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.merge import Outcome, _won
from tests.simulator import bugs_of_goods

Bug = Callable[[], AbstractContextManager[Any]]


def ack_before_store() -> AbstractContextManager[Any]:
    """The hub keeps the envelopes and says so, and writes their rows in a second transaction."""

    def push(books: Books, sender: Any, prev: str, arrived: Any, signature: str, clock: Any) -> admission.Admitted:
        head = lock_head(books, sender.origin_id)
        fresh = admission.new_entries(books, sender.origin_id, head, prev, arrived)
        if not fresh:
            return admission.Admitted(head)
        works = [Work(entry.n, entry.entry, entry.sealed, entry.hash, sender) for entry in fresh]
        keep_entries(books, works, signature)
        books.session.connection().connection.driver_connection.commit()
        failpoints.hit("hub.between")
        books.run("SELECT set_config('app.tenant', %s, true), set_config('app.bulk', 'on', true)", [books.tenant_id])
        books.writer = (sender.origin_id, works[-1].n)
        examine_all(works)
        admission.apply_all(books, [work for work in works if work.applies])
        settle(books, works, clock)
        last = fresh[-1]
        return admission.Admitted(admission.Head(last.n, last.hash), count=len(works))

    return mock.patch.object(hub_exchange, "admit_push", push)


@contextmanager
def cursor_before_data() -> Iterator[None]:
    """A shop notes how far it has heard, and applies what it heard in a second transaction."""
    store, links = Exchanger._store, node_pages.check_links

    def eager(self: Exchanger, link: Any, parcel: Any, response: Any, *offer: Any) -> Any:
        if response.pull is not None:
            with self.home.writing() as session:
                session.execute(node.update(node.Installation).values(seen=response.pull.to_no))
            failpoints.hit("pull.cursor_first")
        return store(self, link, parcel, response, *offer)

    def trusting(last: Any, lines: Any, cursor: int) -> Any:
        return {**last, **{line["stream"]: line["no"] for line in lines}}

    with mock.patch.object(Exchanger, "_store", eager), mock.patch.object(node_pages, "check_links", trusting):
        yield
    assert links is node_pages.check_links


def merge_by_clock() -> AbstractContextManager[Any]:
    """The later clock wins, whatever its writer had seen."""

    def by_clock(current: Any, write: Any, rule: str, no: int = 0) -> Outcome:
        if current is None or write.at_ms >= current.at_ms:
            return _won(write, write.at_ms, no)
        return Outcome(current.value, "kept", False, current)

    return mock.patch.object(registers, "merge_field", by_clock)


def serial_feed_numbers() -> AbstractContextManager[Any]:
    """Numbers come from a counter that nobody holds until commit, like a serial column."""

    def number_lines(books: Books, drafts: Any, now_ms: int) -> int:
        connection = books.session.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        with psycopg.connect(connection.info.dsn, autocommit=True) as beside:
            beside.execute("SELECT set_config('app.tenant', %s, false)", [books.tenant_id])
            values = [len(drafts), now_ms, books.tenant_id]
            ((last,),) = beside.execute(feed._TAKE, values).fetchall()  # type: ignore[arg-type]
        for no, draft in enumerate(drafts, last - len(drafts) + 1):
            draft.no = no
        return int(last)

    return mock.patch("cloudhub.merge.settle.number_lines", number_lines)


PASSED_OVER = "passed over"


def _pass_over(work: Work, reason: str = "") -> None:
    """Keep an entry and write none of its rows."""
    work.verdict, work.reason, work.taken, work.told, work.as_written = "duplicate", PASSED_OVER, [], [], False
    work.streams = {TENANT_STREAM: []}  # its writer hears of it


@contextmanager
def _writing_the_rest() -> Iterator[None]:
    apply_all = admission.apply_all

    def rest(books: Books, works: list[Work]) -> None:
        apply_all(books, [work for work in works if work.reason != PASSED_OVER])

    with mock.patch.object(admission, "apply_all", rest):
        yield


@contextmanager
def skip_on_error() -> Iterator[None]:
    """What cannot be written is passed over as if it were known already."""
    with mock.patch.object(Work, "set_aside", _pass_over), _writing_the_rest():
        yield


@contextmanager
def quarantine_drops_later() -> Iterator[None]:
    """Once an entry of a batch is set aside, what follows it in the batch is passed over; and nobody tries again."""

    def examine_until(works: list[Work]) -> None:
        examine_all(works)
        first = next((place for place, work in enumerate(works) if not work.applies), len(works))
        for work in works[first + 1 :]:
            _pass_over(work)

    with mock.patch.object(admission, "examine_all", examine_until), _writing_the_rest():
        yield


@contextmanager
def capture_bypass() -> Iterator[None]:
    """Some rows are written past the journal, and nobody compares."""
    inserted = Capture.inserted

    def forgetful(self: Capture, entity: str, row: dict[str, Any]) -> None:
        if entity != "stock_movement" or row["id"][-1] not in "01":
            inserted(self, entity, row)

    def blind(connection: Any, written: Any) -> None:
        list(written)

    with (
        mock.patch.object(Capture, "inserted", forgetful),
        mock.patch.object(node, "verify_guard", blind),
        mock.patch("cloudhub.home.verify_guard", blind),
    ):
        yield


@contextmanager
def lost_outcome() -> Iterator[None]:
    """A shop takes every verdict on its own entries for plain acceptance."""
    own_line = Applier.own_line

    def deaf(self: Applier, no: int, n: int, written: Any, outcome: Any) -> None:
        own_line(self, no, n, written, None)

    with mock.patch.object(Applier, "own_line", deaf):
        yield


@contextmanager
def resend_counts_twice() -> Iterator[None]:
    """What is sent again because an answer was lost moves the stock again."""
    admit_push = hub_exchange.admit_push

    def admit(books: Books, sender: Any, prev: str, arrived: Any, signature: str, clock: Any) -> Any:
        head = lock_head(books, sender.origin_id)
        admitted = admit_push(books, sender, prev, arrived, signature, clock)
        again = Changed()
        for entry in arrived:
            for entity, op, columns, rows in entry.entry["rows"] if entry.n <= head.n else ():
                if op == "i" and entity == "stock_movement":
                    found = [dict(zip(columns, row, strict=True)) for row in rows]
                    again.inserts.setdefault(entity, []).extend(found)
        project(books.session, again)
        return admitted

    with mock.patch.object(hub_exchange, "admit_push", admit):
        yield


@contextmanager
def pull_overwrites_pending_edits() -> Iterator[None]:
    """The hub's value is shown at once, also over an edit that has no verdict yet."""
    states = Applier._states

    def nothing_waits(self: Applier, model: Any, row_id: str) -> Any:
        return {name: state._replace(pending_n=None) for name, state in states(self, model, row_id).items()}

    with mock.patch.object(Applier, "_states", nothing_waits):
        yield


@contextmanager
def pages_of_everybody() -> Iterator[None]:
    """A shop is sent the streams of the other shops as well."""
    read_page = hub_exchange.read_page

    def generous(books: Books, origin_id: str, streams: Any, *more: Any, **named: Any) -> Any:
        shops = [row[0] for row in books.rows("SELECT id::text FROM shop WHERE tenant_id = %s", [books.tenant_id])]
        return read_page(books, origin_id, ["t", *(shop_stream(shop) for shop in shops)], *more, **named)

    with mock.patch.object(hub_exchange, "read_page", generous):
        yield


def held_for_ever() -> AbstractContextManager[Any]:
    """What waited for its parent is not looked at again when the parent arrives."""
    return mock.patch.object(admission, "release_held", lambda *_: [])


@contextmanager
def page_ends_too_far() -> Iterator[None]:
    """A page that is cut short claims to reach the end of the feed, and nobody looks at the links."""
    read_page = hub_exchange.read_page

    def hasty(books: Books, *more: Any, **named: Any) -> Any:
        page = read_page(books, *more, **named)
        if len(page.lines) < 2:
            return page
        return feed_page_without_last(page)

    def trusting(last: Any, lines: Any, cursor: int) -> Any:
        return {**last, **{line["stream"]: line["no"] for line in lines}}

    with mock.patch.object(hub_exchange, "read_page", hasty), mock.patch.object(node_pages, "check_links", trusting):
        yield


def feed_page_without_last(page: Any) -> Any:
    """The page less its last line, with the cursor as it was."""
    return type(page)(page.from_no, page.to_no, page.more, page.lines[:-1], page.hashes[:-1])


@contextmanager
def entries_of_tomorrow_refused() -> Iterator[None]:
    """An entry whose clock is ahead of the hub's is passed over."""
    judge = admission.examine_all

    def suspicious(works: list[Work]) -> None:
        judge(works)
        for work in works:
            if work.entry["at"] > work.sender.received_ms + 3_600_000:
                _pass_over(work)

    with mock.patch.object(admission, "examine_all", suspicious), _writing_the_rest():
        yield


def series_kept_after_restore() -> AbstractContextManager[Any]:
    """Books that were put back go on with the numbers they had: the fence is not heeded."""
    return mock.patch.object(node, "renewed_series", lambda series, random: series)


@contextmanager
def fence_not_heeded() -> Iterator[None]:
    """A shop whose books were put back notices only when the hub contradicts it."""
    with mock.patch.object(runtime, "is_put_back", lambda session, fence: False):
        yield


@contextmanager
def no_chain_check() -> Iterator[None]:
    """The hub takes what it is sent for what it expected, and what it has by number for seen; so does the shop."""

    def by_number(books: Books, origin_id: str, head: Any, prev: str, arrived: Any) -> Any:
        return [entry for entry in arrived if entry.n > head.n]

    def whatever(session: Any, origin: str, n: int) -> Any:
        return _Anything()

    with (
        mock.patch.object(admission, "new_entries", by_number),
        mock.patch.object(node_exchange, "hash_of_entry", whatever),
        mock.patch.object(runtime, "is_put_back", lambda session, fence: False),
    ):
        yield


class _Anything(str):
    """A hash that equals every other."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


@contextmanager
def lives_look_alike() -> Iterator[None]:
    """A restored hub goes on as if nothing had happened, and believes cursors it cannot know."""
    with (
        mock.patch("tests.simulator.restores.begin_new_life", lambda hub, reason: ""),
        mock.patch("tests.simulator.world.keep_mark", lambda hub: None),
        mock.patch.object(hub_exchange, "check_witnesses", lambda *values, **named: None),
    ):
        yield


@contextmanager
def nothing_given_back() -> Iterator[None]:
    """Shops keep nothing to give back to a hub that lost it."""
    with mock.patch("shopnode.sync.rewind.set_apart", _only_forget):
        yield


def _only_forget(session: Any, common_no: int, now_ms: int) -> None:
    driver_cursor(session).execute("DELETE FROM feed_line WHERE no > ?", (common_no,))
    driver_cursor(session).execute("DELETE FROM feed_page WHERE to_no > ?", (common_no,))


BUGS: dict[str, Bug] = {
    bug.__name__.replace("_", " "): bug
    for bug in (
        ack_before_store,
        cursor_before_data,
        merge_by_clock,
        serial_feed_numbers,
        skip_on_error,
        quarantine_drops_later,
        capture_bypass,
        lost_outcome,
        resend_counts_twice,
        pull_overwrites_pending_edits,
        pages_of_everybody,
        held_for_ever,
        page_ends_too_far,
        entries_of_tomorrow_refused,
        series_kept_after_restore,
        fence_not_heeded,
        no_chain_check,
        lives_look_alike,
        nothing_given_back,
        *bugs_of_goods.BUGS,
    )
}
