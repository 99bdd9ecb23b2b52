"""The law of repairs: which step may follow which and who may take it, what is due, and how long what took.

`STEPS` holds every step there is, the side roads' included: nobody changes a status another way than by
`events.change_status`, which asks here. Pure functions; amounts in minor units. Source: docs/rules/repairs.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.models import RepairStatus

S, P = RepairStatus, Permission

REPAIR_TYPES = (
    "Screen", "Battery", "Charging port", "Speaker or microphone", "Camera", "Buttons", "Back glass", "Water damage",
    "Board", "Software", "Unlocking", "Data recovery", "Network", "Other",
)  # fmt: skip

SLIP_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is misread, nor 0 and 1
SLIP_LENGTH = 10

# Where work goes on: from any of these the customer may decline, it may turn out that it cannot be mended, and it may
# leave for another bench.
AT_WORK = (S.PENDING, S.DIAGNOSED, S.WAITING_FOR_APPROVAL, S.PARTS_ORDERED, S.IN_PROGRESS)
# Nothing is done any more; it waits for its owner.
READY = (S.COMPLETED, S.DECLINED, S.CANNOT_REPAIR)
# Nothing follows.
ENDED = (S.DELIVERED, S.DISPOSED, S.BOUGHT, S.CANCELLED)
OPEN = tuple(status for status in S if status not in ENDED)
# Another action than `repairs.change_status` brings a ticket here, because more than a word changes.
BY_THEIR_OWN_ACTION = frozenset({
    S.DELIVERED, S.CANCELLED, S.OUTSOURCED, S.UNCLAIMED, S.DISPOSED, S.STOLEN, S.BOUGHT, S.TRANSFERRED,
})  # fmt: skip
# And another one brings it back from here.
LEFT_BY_THEIR_OWN_ACTION = frozenset({S.OUTSOURCED, S.UNCLAIMED, S.STOLEN, S.TRANSFERRED})


def _steps() -> dict[tuple[RepairStatus, RepairStatus], Permission]:
    """Every step there is, and what it needs."""
    road: dict[tuple[RepairStatus, RepairStatus], Permission] = {
        (S.PENDING, S.DIAGNOSED): P.REPAIRS_UPDATE,
        (S.DIAGNOSED, S.WAITING_FOR_APPROVAL): P.REPAIRS_UPDATE,
        (S.DIAGNOSED, S.PARTS_ORDERED): P.REPAIRS_UPDATE,
        (S.DIAGNOSED, S.IN_PROGRESS): P.REPAIRS_UPDATE,
        (S.WAITING_FOR_APPROVAL, S.DIAGNOSED): P.REPAIRS_UPDATE,
        (S.WAITING_FOR_APPROVAL, S.PARTS_ORDERED): P.REPAIRS_UPDATE,
        (S.WAITING_FOR_APPROVAL, S.IN_PROGRESS): P.REPAIRS_UPDATE,
        (S.PARTS_ORDERED, S.WAITING_FOR_APPROVAL): P.REPAIRS_UPDATE,
        (S.PARTS_ORDERED, S.IN_PROGRESS): P.REPAIRS_UPDATE,
        (S.IN_PROGRESS, S.PARTS_ORDERED): P.REPAIRS_UPDATE,
        (S.IN_PROGRESS, S.WAITING_FOR_APPROVAL): P.REPAIRS_UPDATE,
        (S.IN_PROGRESS, S.QUALITY_CHECK): P.REPAIRS_UPDATE,
        (S.IN_PROGRESS, S.COMPLETED): P.REPAIRS_SKIP_CHECK,
        (S.QUALITY_CHECK, S.IN_PROGRESS): P.REPAIRS_UPDATE,  # it did not pass
        (S.QUALITY_CHECK, S.COMPLETED): P.REPAIRS_COMPLETE,
        (S.COMPLETED, S.IN_PROGRESS): P.REPAIRS_UPDATE,  # seen before it left
        (S.DECLINED, S.DIAGNOSED): P.REPAIRS_UPDATE,  # the customer thought again
        (S.CANNOT_REPAIR, S.DIAGNOSED): P.REPAIRS_UPDATE,
        (S.UNCLAIMED, S.DELIVERED): P.REPAIRS_CREATE,
        (S.UNCLAIMED, S.DISPOSED): P.REPAIRS_DELETE,
        (S.UNCLAIMED, S.BOUGHT): P.REPAIRS_UPDATE,
    }
    for ready in READY:
        road[ready, S.DELIVERED] = P.REPAIRS_CREATE  # whoever takes devices in hands them over
        road[ready, S.UNCLAIMED] = P.REPAIRS_UPDATE
        road[S.UNCLAIMED, ready] = P.REPAIRS_UPDATE
    for here in AT_WORK:
        road[here, S.DECLINED] = P.REPAIRS_UPDATE
        road[here, S.CANNOT_REPAIR] = P.REPAIRS_UPDATE
        road[here, S.CANCELLED] = P.REPAIRS_DELETE
        road[here, S.OUTSOURCED] = P.REPAIRS_UPDATE
        road[here, S.TRANSFERRED] = P.REPAIRS_UPDATE
    for back in (S.DIAGNOSED, S.IN_PROGRESS, S.QUALITY_CHECK, S.CANNOT_REPAIR, S.DECLINED):
        road[S.OUTSOURCED, back] = P.REPAIRS_UPDATE
        road[S.TRANSFERRED, back] = P.REPAIRS_UPDATE
    for found in OPEN:
        if found is not S.STOLEN:
            road[found, S.STOLEN] = P.REPAIRS_UPDATE
            road[S.STOLEN, found] = P.REPAIRS_DELETE  # the owner lets it go on from where it was
    for bought in (*AT_WORK, *READY):
        road[bought, S.BOUGHT] = P.REPAIRS_UPDATE
    return road


STEPS = _steps()


def steps_from(status: RepairStatus) -> list[RepairStatus]:
    """What may follow, in the order of the road."""
    return [after for after in S if (status, after) in STEPS]


def steps_by_hand(status: RepairStatus, may: Iterable[Permission]) -> list[RepairStatus]:
    """What somebody with these permissions may say the status is now."""
    if status in LEFT_BY_THEIR_OWN_ACTION:
        return []
    permitted = frozenset(may)
    return [
        after for after in steps_from(status) if after not in BY_THEIR_OWN_ACTION and STEPS[status, after] in permitted
    ]


def slip_code(chance: bytes) -> str:
    """The code on the slip, from at least SLIP_LENGTH random bytes. Some 50 bits: it opens the public page."""
    # 248 is the largest multiple of 31 in a byte: what is above is folded, which makes eight signs a little likelier.
    return "".join(SLIP_SIGNS[byte % len(SLIP_SIGNS)] for byte in chance[:SLIP_LENGTH])


def bare_slip_code(typed: str) -> str:
    """A slip code as it is kept, however it was typed or scanned."""
    return "".join(sign for sign in typed.upper() if sign.isalnum())


def labour_within(agreed_minor: int | None, labour_minor: int, parts_minor: int) -> int:
    """The labour of a job: the agreed price is for all of it, so labour gives way to parts, down to nothing."""
    if agreed_minor is None:
        return labour_minor
    return max(0, min(labour_minor, agreed_minor - parts_minor))


@dataclass(frozen=True)
class Charges:
    """What is asked for when the device is fetched."""

    labour_minor: int
    parts_minor: int
    diagnosis_minor: int
    storage_minor: int

    @property
    def total_minor(self) -> int:
        return self.labour_minor + self.parts_minor + self.diagnosis_minor + self.storage_minor


def charges_of(
    *, is_done: bool, labour_minor: int, parts_minor: int, diagnosis_fee_minor: int, storage_fee_minor: int
) -> Charges:
    """A finished job costs its labour and parts; one that was not done, its diagnosis. Storage is beside both."""
    if is_done:
        return Charges(labour_minor, parts_minor, 0, storage_fee_minor)
    return Charges(0, 0, diagnosis_fee_minor, storage_fee_minor)


@dataclass(frozen=True)
class Stay:
    """How long a ticket was in one status."""

    status: RepairStatus
    since: datetime
    until: datetime | None

    def lasted(self, now: datetime) -> timedelta:
        return max(timedelta(), (self.until or now) - self.since)


def stays_of(changes: Sequence[tuple[datetime, RepairStatus]]) -> list[Stay]:
    """From every change of status, the oldest first, to the stays between them. The last one has no end."""
    ends = [at for at, _ in changes[1:]] + [None]
    return [Stay(status, at, end) for (at, status), end in zip(changes, ends, strict=True)]


def time_in(stays: Iterable[Stay], status: RepairStatus, now: datetime) -> timedelta:
    """All the time it was in that status, however often."""
    return sum((stay.lasted(now) for stay in stays if stay.status is status), timedelta())


def turnaround(stays: Sequence[Stay]) -> timedelta | None:
    """From the counter until it was ready for its owner at last; None while it is not."""
    ready = [stay.since for before, stay in pairwise(stays)
             if stay.status in READY and before.status not in (*READY, S.UNCLAIMED)]  # fmt: skip
    is_ready = bool(stays) and stays[-1].status in (*READY, S.UNCLAIMED, S.DELIVERED, S.DISPOSED)
    return ready[-1] - stays[0].since if ready and is_ready else None


def terms_for(usual: str, water: str, opened: str) -> str | None:
    """The terms of a ticket: what always holds, then what holds of a device like this (rule 64)."""
    parts = [part.strip() for part in (usual, water, opened) if part.strip()]
    return "\n".join(parts) or None
