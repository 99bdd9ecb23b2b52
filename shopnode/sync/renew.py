"""A restored node goes on under a new origin, and settles with the hub what became of the old one.

The renewal itself needs nobody: it is done where a copy of the books is noticed, also offline, and selling goes on.
At the next contact, before anything is pushed or pulled, `settle_past_origins` asks the hub how far it has each old
origin and journals again what it never got.

Invariants:
  * What the hub has of an old origin comes back as foreign lines, whole: the current origin did not write it.
  * What was written since a restore comes after what was written before it, wherever settling is cut off and whatever
    is sold meanwhile. So all of it is one transaction, for which the counter waits: less than a second for 10,000
    unsent entries.
  * Nothing of an old origin is counted as sent unless the hub named an entry of ours that it has too.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.clock import to_datetime
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Installation, NodeHome
from shopnode.domain.origins import PastOrigin, unsettled
from shopnode.domain.settling import has_unsent, journal_again, note_common, release_common
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.models import EntryVerdictRow, HubLink
from shopnode.sync.remedies import BEFORE, REMEDIES
from sync_protocol.chain import genesis
from sync_protocol.forks import Begin, ForkAnswer, ForkRequest, first_parted, narrow, sample
from sync_protocol.messages import Witness, decode, encode
from sync_protocol.problems import Action, Malformed
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

FORK = "/sync/v1/fork"
GATHERED = "gathered"  # why an origin was left: older entries have to come before its own
ROUNDS_MAX = 12  # four find the place in any history; more means that the answers contradict each other


def renew(
    home: NodeHome, reason: str, *, origin_id: str | None = None, series: str | None = None,
    also: Callable[[Session, int], None] | None = None,
) -> None:  # fmt: skip
    """Go on under a new origin, of which the hub knows nothing yet; `also` is done with it, given the past's id."""

    def forget(session: Session, past_id: int) -> None:
        link = session.get(HubLink, 1)
        if link is not None:
            session.execute(update(PastOrigin).where(PastOrigin.id == past_id).values(sent_n=link.accepted_n))
            session.execute(update(HubLink).values(accepted_n=0, durable_n=0))
        session.execute(delete(EntryVerdictRow))  # of entries of the old origin: the hub has them
        if also is not None:
            also(session, past_id)

    home.renew_origin(reason, forget, origin_id=origin_id, series=series)


def renew_after_fork(line: SignedLine, refused: Refused) -> None:
    """The hub knows another history of our origin: this copy is an older one, whoever brought it here."""
    with line.home.reading() as session:
        head_n = session.scalars(select(Installation.head_n)).one()
    if head_n == 0 and refused.facts.get("n") == 0:
        raise refused  # nothing was written under this origin, so there is nothing that could have parted
    renew(line.home, "forked")


def settle_past_origins(line: SignedLine) -> None:
    """Compare each origin that was left with the hub, and journal again what it never got. Raises LinkDown, Refused.

    What was written since comes after it: an edit made after a restore must not be followed by an older one. So where
    both are unsent, both move to an origin that begins with the older.
    """
    with line.home.reading() as session:
        link = read_link(session)
        left = unsettled(session)
    if link is None or not left:
        return
    for past in left:
        if past.common_n is None:
            common_n, counters = _compare(line, link, past.origin_id, past.head_n)
            with line.home.writing() as session:
                note_common(session, past.id, common_n, counters.items())
            failpoints.hit("fork.compared")
    if not _settle_before_newer(line.home):
        _settle_with_newer(line, link)


def _settle_before_newer(home: NodeHome) -> bool:
    """Settle, unless the current origin has entries, none of them sent, that older ones must come before."""
    with home.writing() as session:
        head_n = session.scalars(select(Installation.head_n)).one()
        accepted_n = session.scalars(select(HubLink.accepted_n)).one()
        if head_n and not accepted_n and any(has_unsent(session, past) for past in unsettled(session)):
            return False
        _settle(home, session)
    return True


def _settle_with_newer(line: SignedLine, link: Link) -> None:
    """Settle the current origin as well, under one that begins with the oldest entry."""
    home = line.home
    with home.reading() as session:
        head_n = session.scalars(select(Installation.head_n)).one()
    common_n, _ = _compare(line, link, home.origin_id, head_n)  # a late request may have brought it

    def settle(session: Session, past_id: int) -> None:
        note_common(session, past_id, common_n)
        _settle(home, session)

    renew(home, GATHERED, series=home.series, also=settle)
    failpoints.hit("renew.gathered")
    ask_fork(line, link, home.origin_id, [], begin=begin_of(home))


def _settle(home: NodeHome, session: Session) -> None:
    """The part that needs nobody: the oldest origin first."""
    for past in unsettled(session):
        for step in (release_common, journal_again):
            while step(session, past):
                pass
        past.settled_at = to_datetime(home.clock.wall_ms())
        failpoints.hit("renew.settled")
    session.flush()
    head_n = session.scalars(select(Installation.head_n)).one()
    session.execute(update(HubLink).where(HubLink.whole_until.is_not(None)).values(whole_until=head_n))


def gather(home: NodeHome) -> None:
    """A shop that no hub has heard of brings one origin, with all it recorded since it began, in that order.

    The origins that it left by restores are journalled again under one, before anything of them is sent.
    """
    with home.reading() as session:
        left = unsettled(session)

    def settle(session: Session, past_id: int) -> None:
        session.execute(update(PastOrigin).where(PastOrigin.settled_at.is_(None)).values(common_n=0))
        _settle(home, session)

    if left:
        home.renew_origin("enrolled", settle, series=home.series)


def begin_of(home: NodeHome) -> Begin:
    """The current origin, for a hub that may not know it yet, or no more."""
    return Begin(origin=home.origin_id, series=home.series)


def ask_fork(
    line: SignedLine,
    link: Link,
    origin: str,
    chain: list[Witness],
    lines: dict[str, list[Witness]] | None = None,
    begin: Begin | None = None,
) -> ForkAnswer:
    """One round of the fork call. Raises LinkDown, Refused, Malformed."""
    with line.home.reading() as session:
        offset_ms = session.scalars(select(Installation.clock_offset_ms)).one()
    request = ForkRequest(
        protocol=PROTOCOL_VERSION, schema_=SCHEMA_VERSION, node=line.home.node_id, run=line.run,
        clock=line.clock(offset_ms), origin=origin, chain=chain, lines=lines or {}, begin=begin, epoch=link.epoch,
        device=line.device,
    )  # fmt: skip
    failpoints.hit("fork.asked")
    answer = decode(ForkAnswer, line.call(link, "POST", FORK, encode(request), origin=origin))
    failpoints.hit("fork.answered")
    return answer


def find_common(
    ask: Callable[[list[Witness]], Witness], witnesses_of: Callable[[list[int]], list[Witness]], head_n: int
) -> int:
    """The highest number that both sides have, in as many rounds as it takes; `ask` names the best of some witnesses.

    Raises Malformed when the answers contradict each other.
    """
    low, high = 0, head_n + 1
    numbers = sample(0, head_n)
    for _ in range(ROUNDS_MAX):
        witnesses = witnesses_of(numbers)
        common_n, digest = ask(witnesses)
        if common_n and (common_n, digest) not in witnesses:
            raise Malformed("the hub named an entry that it was not asked about")
        low = max(low, common_n)
        high = first_parted(witnesses, low, high)
        numbers = narrow(low, high)
        if not numbers:
            return low
    raise Malformed("the hub's answers about our history contradict each other")


def _compare(line: SignedLine, link: Link, origin_id: str, head_n: int) -> tuple[int, dict[str, int]]:
    """How far the hub has an origin of ours, and the highest numbers that papers there carry."""
    counters: dict[str, int] = {}

    def ask(witnesses: list[Witness]) -> Witness:
        answer = ask_fork(line, link, origin_id, witnesses, begin=begin_of(line.home))
        counters.update(answer.counters)
        return answer.common

    def witnesses_of(numbers: list[int]) -> list[Witness]:
        with line.home.reading() as session:
            return chain_witnesses(session, origin_id, numbers)

    return find_common(ask, witnesses_of, head_n), counters


def chain_witnesses(session: Session, origin_id: str, numbers: list[int]) -> list[Witness]:
    """Numbers and hashes of entries of an origin of ours, from high to low."""
    query = select(JournalEntry.n, JournalEntry.hash).where(
        JournalEntry.origin_id == origin_id, JournalEntry.n.in_(numbers)
    )
    found = [(n, digest) for n, digest in session.execute(query.order_by(JournalEntry.n.desc()))]
    return found or [(0, genesis(origin_id))]


REMEDIES[Action.RENEW_ORIGIN] = renew_after_fork
BEFORE.insert(0, settle_past_origins)  # a snapshot says which entries of the present origin are decided
