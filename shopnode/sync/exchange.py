"""One exchange with the hub: push what waits, pull a page, keep both outcomes.

Invariants:
  * Our entries count as sent only when the hub names the hash of the last one and it is ours.
  * The writer is held only while the answer is stored, never while the line is slow.
  * A line of the page that cannot be applied stands in nobody's way: see `pages`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.clock import to_datetime
from shopnode.domain.node import Installation
from shopnode.sync.faults import is_of_the_rows
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.models import EntryVerdictRow, HubLink, StreamMark
from shopnode.sync.outbox import Parcel, hash_of_entry, next_parcel, waiting
from shopnode.sync.pages import PageReader
from shopnode.sync.returned import Offer, give_again, mark_given, next_offer
from shopnode.sync.rotate import heed, offered_key
from shopnode.sync.transport import LinkDown
from shopnode.sync.verdicts import undecided
from sync_protocol.limits import BATCH_BYTES_MAX, Batch
from sync_protocol.messages import (
    ExchangeRequest,
    ExchangeResponse,
    Have,
    Health,
    Limits,
    PullLimits,
    decode,
    encode_with,
)
from sync_protocol.problems import PROBLEMS
from sync_protocol.pushes import make_push
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

EXCHANGE = "/sync/v1/exchange"

log = logging.getLogger("shopnode.sync")


@dataclass(frozen=True)
class Exchanged:
    """What one exchange did."""

    pushed: int  # entries the hub took
    pulled: int  # lines applied
    more: bool  # there is more to send or to fetch
    next_poll_ms: int
    limits: Limits = field(default_factory=Limits)  # what the hub takes at once, from now on


class Exchanger:
    """Speaks with one hub for one node. Holds nothing that a restart would miss."""

    def __init__(self, line: SignedLine, *, software: str, is_listening: bool = False):
        self.line = line
        self.home = line.home
        self.software = software
        self.is_listening = is_listening  # at the hub's bell, which has been steady

    def exchange(self, batch: Batch) -> Exchanged:
        """One round trip. Raises LinkDown, Refused, BrokenLink, BadSignature, Malformed."""
        link, parcel, offer, request = self._prepare(batch)
        failpoints.hit("push.read")
        answer = self.line.call(link, "POST", EXCHANGE, request)
        failpoints.hit("push.answered")
        return self._store(link, parcel, decode(ExchangeResponse, answer), offer)

    def _prepare(self, batch: Batch) -> tuple[Link, Parcel | None, Offer | None, bytes]:
        with self.home.reading() as session:
            link = read_link(session)
            if link is None:
                raise LinkDown("not enrolled")
            offer = next_offer(session, self.home.origin_id, link.accepted_n)
            until_n = offer.until_n if offer else None
            parcel = next_parcel(session, self.home.origin_id, link.accepted_n, batch, until_n)
            request = self._request(session, link, batch)
            new_key = offered_key(session, self.home)
        if self.line.device is not None:
            health = request.health.model_copy(update={"device": self.line.device})
            request = request.model_copy(update={"health": health})
        if new_key is not None:
            request = request.model_copy(update={"new_key": new_key})
        if self.is_listening:
            request = request.model_copy(update={"listening": True})
        if offer is not None:
            request = request.model_copy(update={"returned": offer.pages})
        push = b"null"
        if parcel is not None:
            push = make_push(parcel.first, parcel.prev, parcel.entries, parcel.head, self.home.origin_id, link.key)
        return link, parcel, offer, encode_with(request, push=push)

    def _request(self, session: Session, link: Link, batch: Batch) -> ExchangeRequest:
        marks = session.scalars(select(StreamMark)).all()
        cursor, offset = session.execute(select(Installation.seen, Installation.clock_offset_ms)).one()
        held = waiting(session, self.home.origin_id, link.accepted_n)
        return ExchangeRequest(
            protocol=PROTOCOL_VERSION,
            schema_=SCHEMA_VERSION,
            node=self.home.node_id,
            origin=self.home.origin_id,
            run=self.line.run,
            clock=self.line.clock(offset),
            have=Have(epoch=link.epoch, cursor=cursor, streams={mark.stream: (mark.no, mark.hash) for mark in marks}),
            push=None,
            pull=_pull(session, batch),
            health=Health(
                outbox=held.entries,
                oldest_unsent_at=held.since_ms,
                quarantined=undecided(session).aside,
                software=self.software,
            ),
        )

    def _store(
        self, link: Link, parcel: Parcel | None, response: ExchangeResponse, offer: Offer | None = None
    ) -> Exchanged:
        """Keep the ack and the page; where the page cannot be applied, the ack alone: our entries did arrive."""
        try:
            try:
                accepted, head = self._keep(link, response, offer)
            except Exception as fault:
                if not is_of_the_rows(fault):
                    raise
                log.error("a page could not be applied as one: %s", type(fault).__name__)
                accepted, head = self._keep(link, response, offer, one_by_one=True)
        except Refused:
            raise
        except Exception:
            with self.home.writing() as session:
                self._store_ack(session, link, response, offer)
            raise
        failpoints.hit("pull.after_commit")
        lines = len(response.pull.lines) if response.pull else 0
        more = (parcel is not None or offer is not None or accepted < link.accepted_n) and head > accepted
        more = more or offer is not None
        more = more or bool(response.pull and response.pull.more)
        return Exchanged(accepted - link.accepted_n, lines, more, response.next_poll_ms, response.limits)

    def _keep(
        self, link: Link, response: ExchangeResponse, offer: Offer | None, *, one_by_one: bool = False
    ) -> tuple[int, int]:
        """The ack and the page in one transaction. Returns what `_store_ack` returns."""
        with self.home.writing() as session:
            kept = self._store_ack(session, link, response, offer)
            if response.pull is not None:
                reader = PageReader(self.home, link.hub_key)
                reader.apply(session, response.pull, response.page_sig, response.epoch, one_by_one=one_by_one)
            failpoints.hit("pull.before_commit")
        return kept

    def _store_ack(
        self, session: Session, link: Link, response: ExchangeResponse, offer: Offer | None = None
    ) -> tuple[int, int]:
        """What the hub accepted, and how far our journal goes. Raises Refused when their chains part."""
        ack = response.ack
        if ack.hash != hash_of_entry(session, self.home.origin_id, ack.accepted):
            raise Refused(PROBLEMS["fork"], {"n": ack.accepted})
        values = {
            "accepted_n": ack.accepted,
            "durable_n": min(max(link.durable_n, ack.durable), ack.accepted),
            "epoch": response.epoch,
            "last_ok_at": to_datetime(self.home.clock.wall_ms()),
        }
        session.execute(update(HubLink).values(**values))
        if response.epoch != link.epoch:
            give_again(session)
        if offer is not None:
            mark_given(session, offer, response.returned, self.home.clock.wall_ms())
        rows = [
            {"n": verdict.n, "verdict": verdict.verdict, "reason": verdict.reason, "at": values["last_ok_at"]}
            for verdict in ack.verdicts
        ]
        if rows:
            statement = upsert(EntryVerdictRow)
            keep = {name: statement.excluded[name] for name in ("verdict", "reason", "at")}
            session.execute(statement.on_conflict_do_update(index_elements=["n"], set_=keep), rows)
        aside = [verdict.n for verdict in ack.verdicts if verdict.verdict == "quarantined"]
        if aside:
            applier = Applier(session)
            for n in aside:
                applier.give_up(n)
            applier.finish()
        self.line.store_offset(session, response.time)
        heed(session, self.home, response)
        failpoints.hit("push.ack_stored")
        return ack.accepted, session.scalars(select(Installation.head_n)).one()


def _pull(session: Session, batch: Batch) -> PullLimits:
    """A page that broke the line comes in halves; after a rewind, lines of our own come whole."""
    limits = PullLimits(rows=batch.rows, bytes=BATCH_BYTES_MAX)
    whole_until = session.scalars(select(HubLink.whole_until)).one()
    return limits if whole_until is None else limits.model_copy(update={"whole_until": whole_until})
