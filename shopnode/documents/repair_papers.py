"""The papers of a repair: what was left with the shop and on which terms, and what the customer took home.

Invariants:
  * Pure: data in, the same words out. Times come written out in the shop's own zone, money in minor units.
  * A passcode stands on no paper: only whether one was left.
  * What is signed is printed whole, however long.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopnode.documents.label import Label
from shopnode.documents.letter import Column, Heading, Letter, Sum, TableRow
from shopnode.documents.money_text import money_text
from shopnode.documents.receipt_rows import handset_number
from shopnode.documents.text import sentences_of

FOLLOW_WORDS = "Follow your repair: scan this, or open the address below."
ISSUE_MAX = 70  # characters that stand whole among the facts
CHECKS_MAX = 150  # characters of items to a row
PARAGRAPH_MAX = 560  # characters; more of one text is cut


@dataclass(frozen=True)
class LeftDevice:
    """A device as people name it at the counter."""

    name: str  # "Tecno Camon 20"
    number: str = ""  # IMEI or serial
    colour: str = ""

    @property
    def looks(self) -> tuple[str, ...]:
        return tuple(words for words in (handset_number(self.number) if self.number else "", self.colour) if words)


@dataclass(frozen=True)
class RepairSlip:
    """What a customer left, in which state, for what, and on which terms. The code on it fetches the device."""

    heading: Heading
    number: str
    code: str  # as it is typed, see rules
    taken_at: str
    taken_by: str
    customer_name: str
    device: LeftDevice
    issue: str
    faults: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()  # item and how it was found
    accessories: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # "Water damage", "Opened before"
    customer_phone: str = ""
    passcode: str = ""  # "Left with us, sealed"
    data_consent: str = ""
    promised_at: str = ""
    estimate_minor: int | None = None
    deposit_minor: int = 0
    diagnosis_fee_minor: int = 0
    terms: str = ""
    follow_url: str = ""  # the public page
    currency: str = "UGX"
    exponent: int = 0

    def found(self, room: int) -> list[tuple[str, str]]:
        """How it was found, the worst first: the words and the items they hold of, so many characters to a line."""
        lines: list[tuple[str, str]] = []
        for found in sorted({found for _, found in self.checks}, key=lambda words: (words == "OK", words != "Fault")):
            line = ""
            for item in (item for item, answer in self.checks if answer == found):
                if line and len(line) + len(item) + 2 > room:
                    lines.append((found, line))
                    line = ""
                line = f"{line}, {item}" if line else item
            lines.append((found, line))
        return lines


@dataclass(frozen=True)
class RepairWork:
    """One line of what was done: a part, labour, a fee."""

    name: str
    amount_minor: int
    quantity: int = 1
    notes: tuple[str, ...] = ()  # a serial, what became of the old part


@dataclass(frozen=True)
class DeliveryPaper:
    """What was done, what was paid, and who took the device away."""

    heading: Heading
    number: str
    outcome: str  # "Repaired", "Given back as it came"
    delivered_at: str
    delivered_by: str
    customer_name: str
    device: LeftDevice
    fetched_by: str = ""
    work: tuple[RepairWork, ...] = ()
    total_minor: int = 0
    paid_minor: int = 0
    receipt_number: str = ""  # of the sale it became
    accessories: tuple[str, ...] = ()
    disputes: tuple[str, ...] = ()
    warranty: str = ""  # "90 days, until 20 Feb 2027"
    loaner: str = ""  # "Loaner returned"
    currency: str = "UGX"
    exponent: int = 0

    @property
    def due_minor(self) -> int:
        return self.total_minor - self.paid_minor


def repair_label(shop_name: str, device: str, number: str, faults: str, ready_by: str = "") -> Label:
    """The label on the device while it is here: found by its number, with nobody's name on it.

    ready_by  the promise, short: it stands large where a price would
    """
    return Label(shop_name, device, number, faults, ready_by, number)


def slip_letter(slip: RepairSlip) -> Letter:
    """The customer's slip on A4."""

    def money(amount_minor: int) -> str:
        return money_text(amount_minor, slip.exponent)

    is_long = len(slip.issue) > ISSUE_MAX
    sums = [] if slip.estimate_minor is None else [Sum(f"Estimate {slip.currency}", money(slip.estimate_minor), True)]
    sums += [Sum("Deposit paid", money(slip.deposit_minor))] if slip.deposit_minor else []
    sums += [Sum("Fee if it is not repaired", money(slip.diagnosis_fee_minor))] if slip.diagnosis_fee_minor else []
    return Letter(
        slip.heading, "Repair", slip.number, banner="  ·  ".join(slip.warnings),
        facts=(
            (("Customer", slip.customer_name), ("Telephone", slip.customer_phone), ("Code to fetch it", slip.code)),
            (("Device", slip.device.name), ("Number", slip.device.number), ("Colour", slip.device.colour)),
            (("Taken in", slip.taken_at), ("By", slip.taken_by), ("Promised", slip.promised_at)),
            (("Fault", _joined(slip.faults)), ("Left with it", _joined(slip.accessories) or "Nothing"),
             ("Passcode", slip.passcode)),
            (("As the customer says", "" if is_long else slip.issue), ("Data", slip.data_consent)),
        ),
        columns=(Column("How it came", 2), Column("Looked at", 8)) if slip.checks else (),
        rows=tuple(TableRow(cells) for cells in slip.found(CHECKS_MAX)),
        sums=tuple(sums),
        sentences=(*_paragraphs(slip.terms), *(_paragraphs(f"As the customer says: {slip.issue}") if is_long else ())),
        statement="I leave the device here on these terms:" if slip.terms else "",
        signatures=("Customer: signature", "For the shop: signature"),
        code=slip.follow_url, code_words=FOLLOW_WORDS if slip.follow_url else "",
    )  # fmt: skip


def delivery_letter(paper: DeliveryPaper) -> Letter:
    """What a customer signs when the device is handed over, on A4."""

    def money(amount_minor: int) -> str:
        return money_text(amount_minor, paper.exponent)

    sums = [Sum(f"Total {paper.currency}", money(paper.total_minor), True)] if paper.work else []
    sums += [Sum("Paid", money(paper.paid_minor))] if paper.paid_minor else []
    sums += [Sum("Balance due", money(paper.due_minor), True)] if paper.due_minor > 0 else []
    return Letter(
        paper.heading, "Repair delivered", paper.number, banner="" if paper.outcome == "Repaired" else paper.outcome,
        facts=(
            (("Customer", paper.customer_name), ("Taken by", paper.fetched_by), ("Receipt", paper.receipt_number)),
            (("Device", paper.device.name), ("Number", paper.device.number), ("Colour", paper.device.colour)),
            (("Handed over", paper.delivered_at), ("By", paper.delivered_by)),
            (("Given back with it", _joined(paper.accessories)), ("Loaner phone", paper.loaner)),
        ),
        columns=(Column("Work", 8), Column("Qty", 2, True), Column("Amount", 4, True)) if paper.work else (),
        rows=tuple(
            TableRow((line.name, f"{line.quantity:,}", money(line.amount_minor)), line.notes) for line in paper.work
        ),
        sums=tuple(sums),
        sentences=tuple(words for words in (
            f"Warranty on this work: {paper.warranty}." if paper.warranty else "",
            *(f"Not agreed at delivery: {words}" for words in paper.disputes),
        ) if words),
        statement="I have received the device and what I left with it, and have looked at it.",
        signatures=("Taken by: signature", "For the shop: signature"),
    )  # fmt: skip


def _paragraphs(text: str) -> tuple[str, ...]:
    """Sentences side by side, in paragraphs that a letter prints whole."""
    made: list[str] = []
    for sentence in sentences_of(text):
        if made and len(made[-1]) + len(sentence) < PARAGRAPH_MAX:
            made[-1] = f"{made[-1]} {sentence}"
        else:
            made.append(sentence)
    return tuple(made)


def _joined(parts: tuple[str, ...]) -> str:
    return ", ".join(part for part in parts if part)
