"""The shop's own examination: every figure that can be computed in two ways is, and the two are compared.

Each check answers with its name, whether all is well, a sentence and its figures. Red means that the books disagree
with themselves or cannot be kept; what is only worth knowing (a printer that is off, a hub that cannot be reached) is
amber and leaves the shop healthy. No check changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shopnode.machine import examinations as exam
from shopnode.machine import witnesses
from shopnode.machine.fence import Fence
from shopnode.machine.runtime import CLOCK_BEHIND_MS, in_words

if TYPE_CHECKING:
    from shopnode.machine.commands import Say
    from shopnode.machine.runtime import Node

OUTBOX_OLD_MS = 24 * 3_600_000
OFFSET_ODD_MS = 2 * 60_000
DISK_LOW_MIB = 500


class Colour(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Check:
    """What one examination found."""

    name: str
    colour: Colour
    message: str
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.colour is not Colour.RED

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name, "ok": self.ok, "colour": self.colour.value,
            "message": self.message, "figures": self.figures,
        }  # fmt: skip


def examine(node: Node, say: Say) -> list[Check]:
    """Every check, in the order in which a failure of one explains the next."""
    found: list[Check] = []
    for position, (name, check) in enumerate(CHECKS.items()):
        say(position, len(CHECKS), name)
        try:
            found.append(check(node))
        except Exception as fault:
            # A check that cannot be carried out is a finding itself; the others still say what they know.
            found.append(Check(name, Colour.RED, f"This could not be examined ({type(fault).__name__})."))
    say(len(CHECKS), len(CHECKS), "")
    return found


def report(checks: list[Check]) -> dict[str, Any]:
    """The examination as a document."""
    return {"ok": all(check.ok for check in checks), "checks": [check.document() for check in checks]}


def cannot_open(reason: Exception) -> dict[str, Any]:
    """The examination of books that cannot be opened at all."""
    return report([Check("integrity", Colour.RED, str(reason))])


def _agree(name: str, differences: list[str], good: str, **figures: Any) -> Check:
    if not differences:
        return Check(name, Colour.GREEN, good, figures)
    more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
    return Check(name, Colour.RED, "; ".join(differences[:3]) + more, {**figures, "differences": len(differences)})


def check_integrity(node: Node) -> Check:
    """Every page carries its own proof, every index and link fits."""
    return _agree("integrity", node.database.verify(), "The file is sound.")


def check_chain(node: Node) -> Check:
    """The journal's entries follow each other without a gap, and each hash is made of what stands there."""
    with node.home.reading() as session:
        entries, breaks = exam.chain_breaks(session)
    return _agree("chain", breaks, "The journal is whole.", entries=entries)


def check_rows(node: Node) -> Check:
    """What the journal says was recorded stands in the books, unchanged."""
    with node.home.reading() as session:
        rows, differences = exam.facts_not_as_journalled(session)
    return _agree("rows", differences, "The books say what the journal says.", rows=rows)


def check_stock(node: Node) -> Check:
    """Levels are the sum of their movements."""
    with node.home.reading() as session:
        return _agree("stock", exam.wrong_levels(session), "Stock is the sum of its movements.")


def check_units(node: Node) -> Check:
    """Phones in stock, counted one by one, are as many as the level says; none is in two places."""
    with node.home.reading() as session:
        return _agree("units", exam.wrong_units(session), "Every phone in stock is accounted for.")


def check_drawers(node: Node) -> Check:
    """What a drawer was expected to hold is its float and its cash."""
    with node.home.reading() as session:
        return _agree("drawers", exam.wrong_drawers(session), "Drawers are what their events add up to.")


def check_sales(node: Node) -> Check:
    """Totals beside each sale are those of its lines and payments."""
    with node.home.reading() as session:
        sales, differences = exam.wrong_sales(session)
    return _agree("sales", differences, "Totals fit their lines and payments.", sales=sales)


def check_numbers(node: Node) -> Check:
    """Receipt numbers run without a gap and none is used twice."""
    with node.home.reading() as session:
        last, gaps = exam.number_gaps(session, node.home.series)
    return _agree("numbers", gaps, "Receipt numbers run without a gap.", series=node.home.series, last=last)


def check_outbox(node: Node) -> Check:
    """What the hub does not have yet, and since when."""
    status = node.sync.status()
    age_ms = max(0, node.home.clock.wall_ms() - status.since_ms) if status.since_ms else 0
    figures = {"waiting": status.waiting, "since_ms": status.since_ms, "state": status.state, "aside": status.aside}
    if status.state == "not-enrolled":
        return Check("outbox", Colour.GREEN, status.message, figures)
    if status.waiting and age_ms > OUTBOX_OLD_MS:
        words = f"{status.waiting} entries wait since {in_words(age_ms)}: they are on this computer only. "
        return Check("outbox", Colour.AMBER, words + status.message, figures)
    if status.state == "stopped" or status.aside:
        return Check("outbox", Colour.AMBER, status.message, figures)
    words = f"{status.waiting} entries wait to be sent." if status.waiting else "The hub has all that was recorded."
    return Check("outbox", Colour.GREEN, words, figures)


def check_streams(node: Node) -> Check:
    """What came from the hub follows without a hole, and says what was sent or what our own journal says."""
    with node.home.reading() as session:
        lines, breaks = witnesses.broken_streams(session)
    return _agree("streams", breaks, "What came from the hub is whole.", lines=lines)


def check_derived(node: Node) -> Check:
    """Everything that is computed comes out the same when it is computed again."""
    return _agree("derived", witnesses.wrong_derived(node.database), "What is computed fits what was recorded.")


def check_fence(node: Node) -> Check:
    """The fence outside the data folder stands where the books do."""
    with node.home.reading() as session:
        wrong = witnesses.misplaced_fence(session, Fence(node.folder.fence(node.settings)))
    return _agree("fence", wrong, "The fence stands where the books do.")


def check_agreement(node: Node) -> Check:
    """What the last comparison with the hub's books came to. It is made once a day, or with `sync --check`."""
    from shopnode.sync.digest import last_agreement

    with node.home.reading() as session:
        found = last_agreement(session)
    if found is None:
        return Check("agreement", Colour.GREEN, "The books were not compared with the hub's yet.")
    figures = {"at_ms": found.at_ms, "rows": found.rows, "added": found.added, "mended": found.mended}
    return Check("agreement", Colour.GREEN if found.is_whole else Colour.RED, found.words(), figures)


def check_clock(node: Node) -> Check:
    """The clock is not behind what was recorded, nor far from the hub's."""
    behind_ms = node.clock_behind_ms()
    with node.home.reading() as session:
        offset_ms = exam.hub_offset_ms(session)
    figures = {"behind_ms": max(0, behind_ms), "hub_offset_ms": offset_ms}
    if behind_ms > CLOCK_BEHIND_MS:
        words = f"The clock is {in_words(behind_ms)} behind the last entry. Set it to the right time."
        return Check("clock", Colour.AMBER, words, figures)
    if offset_ms is not None and abs(offset_ms) > OFFSET_ODD_MS:
        words = f"The clock differs by {in_words(abs(offset_ms))} from the hub's. Set it to the right time."
        return Check("clock", Colour.AMBER, words, figures)
    return Check("clock", Colour.GREEN, "The clock is right, as far as can be told here.", figures)


def check_disk(node: Node) -> Check:
    """There is room to go on."""
    figures = {"available_mib": node.space.available() // 2**20}
    if node.has_failed or node.space.is_short():
        return Check("disk", Colour.RED, " ".join(node.troubles()), figures)
    if figures["available_mib"] < DISK_LOW_MIB:
        return Check("disk", Colour.AMBER, "The disk is nearly full. Delete files nobody needs.", figures)
    return Check("disk", Colour.GREEN, "There is room on the disk.", figures)


def check_printer(node: Node) -> Check:
    """The printers answer, and nothing waits for them."""
    from shopnode.devices.setup import look_at

    with node.home.reading() as session:
        printers, waiting = exam.printers_and_waiting(session)
    figures = {"printers": len(printers), "waiting_jobs": waiting}
    if not printers:
        return Check("printer", Colour.GREEN, "No printer is set up.", figures)
    troubles = []
    for printer in printers:
        is_ready, words = look_at(printer)
        if not is_ready:
            troubles.append(f"{printer.name}: {words}")
    if troubles:
        return Check("printer", Colour.AMBER, "; ".join(troubles), figures)
    return Check("printer", Colour.GREEN, "The printer is ready.", figures)


def check_jobs(node: Node) -> Check:
    """What the shop does by itself was done, and did not fail."""
    last, failures = node.jobs.last(), node.jobs.failures()
    figures = {name: {"did": ran.did, "failed": ran.failed is not None} for name, ran in sorted(last.items())}
    if failures:
        return Check("jobs", Colour.AMBER, " ".join(failures), figures)
    if not last:
        return Check("jobs", Colour.GREEN, "No job has run yet.", figures)
    return Check("jobs", Colour.GREEN, "Every job did its work.", figures)


CHECKS: dict[str, Callable[[Node], Check]] = {
    "integrity": check_integrity,
    "chain": check_chain,
    "rows": check_rows,
    "stock": check_stock,
    "units": check_units,
    "drawers": check_drawers,
    "sales": check_sales,
    "numbers": check_numbers,
    "derived": check_derived,
    "streams": check_streams,
    "fence": check_fence,
    "outbox": check_outbox,
    "agreement": check_agreement,
    "clock": check_clock,
    "disk": check_disk,
    "printer": check_printer,
    "jobs": check_jobs,
}
