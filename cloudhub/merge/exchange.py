"""One exchange: what the node brings is admitted, what it lacks is sent, and how it is gets written down.

Three short transactions, none of which waits for the line: who is speaking (kept even when refused), the push, the
page. A transaction that lost a race with another is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from cloudhub.hub import Hub
from cloudhub.merge.admission import Admitted, admit_push, is_of_an_entry
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import Head
from cloudhub.merge.models import Origin
from cloudhub.merge.pages import FeedPage, check_witnesses, read_page
from cloudhub.merge.readmission import read_returned, take_returned
from cloudhub.merge.work import HELD, QUARANTINED, Sender
from cloudhub.tenancy.clones import check_clone
from cloudhub.tenancy.nodes import NodeKey, note_health
from cloudhub.tenancy.passwords import carry_passwords
from cloudhub.tenancy.rotation import commands_for, keep_new_key
from shopnode.domain import failpoints
from shopnode.domain.cash.models import DrawerSession
from sync_protocol.chain import page_message
from sync_protocol.keys import read_public, sign
from sync_protocol.limits import BATCH_BYTES_MAX, ROWS_MAX, next_poll_ms
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.merge import Clock
from sync_protocol.messages import (
    Ack,
    EntryVerdict,
    ExchangeRequest,
    ExchangeResponse,
    Limits,
    Push,
    encode_with,
    page_bytes,
)
from sync_protocol.problems import CloneSuspected, InvalidEnvelope
from sync_protocol.pushes import Arrived, open_push
from sync_protocol.versions import known_commands

TRIES_MAX = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """The answer's parts before they are written."""

    admitted: Admitted
    page: FeedPage | None
    durable: int
    next_poll_ms: int
    commands: list[dict[str, str]]


@dataclass(frozen=True)
class Carried:
    """What is different about an exchange that came as a file: how old it is, nobody knows.

    after  where its page begins: behind the page of the request before it in the file
    """

    after: int


def exchange(hub: Hub, key: NodeKey, signed_s: int, message: ExchangeRequest, carried: Carried | None = None) -> bytes:
    """The answer to an exchange whose signature was right. Raises a ProtocolError."""
    if (message.node, message.origin) != (key.node_id, key.origin_id):
        raise InvalidEnvelope("the request names another node than the one that signed it")
    received_ms = hub.clock.wall_ms()
    _meet(hub, key, message, signed_s, received_ms, by_file=carried is not None)
    failpoints.hit("hub.met")
    lost = read_returned(hub, key, message.returned or ())
    admitted = again(lambda: _push(hub, key, message, received_ms, carried)) if message.push is not None else None
    if admitted is not None and admitted.count:
        hub.feed_moved(key.tenant_id)
    failpoints.hit("hub.admitted")
    again(lambda: take_returned(hub, key, lost, received_ms))
    told = again(lambda: _answer(hub, key, signed_s, message, admitted, received_ms, carried))
    failpoints.hit("hub.answered")
    return _write(hub, key, message, told)


def again(work: Callable[[], T]) -> T:
    """Do a transaction; when it lost a race with another, do it again."""
    for tries_left in reversed(range(TRIES_MAX)):
        try:
            return work()
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raced = isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
            if not raced or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def _meet(hub: Hub, key: NodeKey, message: ExchangeRequest, signed_s: int, received_ms: int, *, by_file: bool) -> None:
    """Clones are recognised before forks, so that a clone never quietly becomes a second origin."""
    suspected = False
    with hub.database.session(key.tenant_id) as session:
        try:
            check_clone(session, key, message.run, signed_s, received_ms, by_file=by_file)
            if message.new_key is not None:
                keep_new_key(session, key, message.new_key)
        except CloneSuspected:
            suspected = True
        else:
            head = session.execute(select(Origin.head_n, Origin.head_hash).where(Origin.id == key.origin_id)).one()
            have = message.have
            check_witnesses(hub, Books(session, key.tenant_id), have.cursor, have.streams, (head[0], head[1]))
    if suspected:
        raise CloneSuspected


def _push(hub: Hub, key: NodeKey, message: ExchangeRequest, received_ms: int, carried: Carried | None) -> Admitted:
    assert message.push is not None
    arrived = open_push(message.push, key.origin_id, read_public(key.public_key))
    clock = message.clock
    # Since a file was made an unknown time has passed: its monotonic clock says nothing of when it was received.
    boot = "" if carried else clock.boot
    reading = Clock(clock.wall, clock.mono, boot, clock.offset)
    sender = Sender(key.origin_id, key.shop_id, key.node_id, reading, received_ms)
    try:
        admitted = _admit(hub, sender, key.tenant_id, message.push, arrived, careful=False)
    except Exception as fault:
        if not is_of_an_entry(fault):
            raise
        admitted = _admit(hub, sender, key.tenant_id, message.push, arrived, careful=True)
    failpoints.hit("hub.after_commit")
    not_written = {verdict.n for verdict in admitted.verdicts if verdict.verdict in (HELD, QUARANTINED)}
    written = (entry.entry for entry in arrived if entry.n not in not_written)
    carry_passwords(hub, key.tenant_id, key.shop_id, written)
    return admitted


def _admit(
    hub: Hub, sender: Sender, tenant_id: str, push: Push, arrived: Sequence[Arrived], *, careful: bool
) -> Admitted:
    with hub.database.session(tenant_id, bulk=True) as session:
        books = Books(session, tenant_id, careful=careful)
        admitted = admit_push(books, sender, push.prev, arrived, push.sig, hub.clock)
        failpoints.hit("hub.before_commit")
    return admitted


def _answer(
    hub: Hub, key: NodeKey, signed_s: int, message: ExchangeRequest, admitted: Admitted | None, received_ms: int,
    carried: Carried | None,
) -> Told:  # fmt: skip
    streams = [TENANT_STREAM, shop_stream(key.shop_id)]
    with hub.database.session(key.tenant_id) as session:
        # What this writes is a node's health, which the next exchange says again: nobody waits for the disk.
        session.connection().exec_driver_sql("SET LOCAL synchronous_commit = off")
        books = Books(session, key.tenant_id)
        origin = session.execute(
            select(Origin.head_n, Origin.head_hash, Origin.durable_n).where(Origin.id == key.origin_id)
        ).one()
        page = None
        if message.pull is not None:
            rows_max = min(message.pull.rows, ROWS_MAX)
            bytes_max = min(message.pull.bytes, BATCH_BYTES_MAX)
            cursor = carried.after if carried else message.have.cursor
            whole_until = message.pull.whole_until or 0
            page = read_page(books, key.origin_id, streams, cursor, rows_max, bytes_max, whole_until, message.schema_)
        moved = bool((admitted and admitted.count) or (page and page.lines))
        quiet_ms = 0
        if carried is None:  # a file tells how the node was, not how it is
            quiet_ms = note_health(session, key, message, received_ms, moved=moved, signed_s=signed_s)
        still_open = exists().where(DrawerSession.shop_id == key.shop_id, DrawerSession.closed_at.is_(None))
        is_open = bool(session.scalar(select(still_open)))
        commands = commands_for(session, key)
    admitted = admitted or Admitted(Head(origin.head_n, origin.head_hash))
    wait_ms = next_poll_ms(quiet_ms, is_open, hub.chance, is_listening=message.listening is True)
    return Told(admitted, page, origin.durable_n, wait_ms, commands)


def _write(hub: Hub, key: NodeKey, message: ExchangeRequest, told: Told) -> bytes:
    verdicts = [
        EntryVerdict(n=v.n, verdict=v.verdict, outcome=v.outcome, reason=v.reason)  # type: ignore[arg-type]
        for v in told.admitted.verdicts
    ]
    head = told.admitted.head
    answer = ExchangeResponse(
        epoch=hub.identity.epoch,
        time=hub.clock.wall_ms(),
        next_poll_ms=told.next_poll_ms,
        ack=Ack(accepted=head.n, durable=told.durable, hash=head.hash, verdicts=verdicts),
        pull=None,
        page_sig=None,
        commands=known_commands(told.commands, message.protocol),
        entitlement={},
        limits=Limits(rows=hub.settings.batch_rows, bytes=hub.settings.batch_bytes),
    )
    if message.new_key is not None:
        answer = answer.model_copy(update={"new_key": message.new_key.key})
    if message.returned is not None:
        answer = answer.model_copy(update={"returned": len(message.returned)})
    page = told.page
    if page is None:
        return encode_with(answer)
    words = page_message(hub.identity.epoch, key.node_id, page.from_no, page.to_no, page.hashes)
    signature = sign(hub.key, words)
    body = page_bytes(page.from_no, page.to_no, page.more, page.lines, withheld=page.withheld)
    return encode_with(answer.model_copy(update={"page_sig": signature}), pull=body)
