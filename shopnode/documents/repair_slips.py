"""The papers of a repair from the receipt printer: the slip a customer takes home, and the one signed at delivery."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from shopnode.documents.escpos import Paper
from shopnode.documents.money_text import money_text
from shopnode.documents.receipt_rows import Block, Gap, Qr, Role, Row, Rule
from shopnode.documents.repair_papers import FOLLOW_WORDS, DeliveryPaper, RepairSlip
from shopnode.documents.slips import paper_top, printed, sentences_apart, signature_line

DETAIL_MAX = 56  # characters of two lines on the narrowest paper
CHECKS_MAX = 44  # the same for words that break badly


def repair_slip_bytes(slip: RepairSlip, paper: Paper) -> bytes:
    """What the customer takes home."""
    return printed(_slip_rows(slip), paper)


def delivery_slip_bytes(delivered: DeliveryPaper, paper: Paper) -> bytes:
    """What is signed when the device is handed over."""
    return printed(_delivery_rows(delivered), paper)


def _slip_rows(slip: RepairSlip) -> Iterator[Block]:
    yield from paper_top(
        slip.heading, "Repair", slip.number, ("Left", slip.taken_at), ("Taken in by", slip.taken_by),
        ("Customer", slip.customer_name), ("Phone", slip.customer_phone), ("Promised", slip.promised_at),
    )  # fmt: skip
    yield Row(Role.ITEM, slip.device.name)
    for words in (*slip.device.looks, *slip.faults):
        yield Row(Role.DETAIL, words)
    if len(slip.issue) <= DETAIL_MAX:
        yield from _listed("As the customer says", (slip.issue,))
    else:
        yield Row(Role.ITEM, "As the customer says")
        yield from sentences_apart(slip.issue)
    yield from _listed("Left with it", slip.accessories or ("Nothing",))
    for found, rows in groupby(slip.found(CHECKS_MAX), key=lambda row: row[0]):
        if found != "OK":  # what was in order needs no ink on a narrow slip
            yield from _listed(found, tuple(items for _, items in rows))
    yield from _listed("Please note", slip.warnings)
    yield from _listed("Passcode", (slip.passcode,))
    yield from _listed("Your data", (slip.data_consent,))
    yield Rule()
    if slip.estimate_minor is not None:
        yield Row(Role.TOTAL, f"Estimate {slip.currency}", money_text(slip.estimate_minor, slip.exponent))
    if slip.deposit_minor:
        yield Row(Role.SUM, "Deposit paid", money_text(slip.deposit_minor, slip.exponent))
    if slip.diagnosis_fee_minor:
        yield Row(Role.SUM, "Fee if not repaired", money_text(slip.diagnosis_fee_minor, slip.exponent))
    yield Row(Role.NUMBER, "Code to fetch it", slip.code)
    if slip.follow_url:
        yield Gap()
        yield Qr(slip.follow_url)
        yield Row(Role.SENTENCE, FOLLOW_WORDS)
        yield Row(Role.CODE, slip.follow_url.partition("//")[2] or slip.follow_url)
    if slip.terms:
        yield Rule()
        yield from sentences_apart(slip.terms)
    yield from signature_line("Customer")


def _delivery_rows(paper: DeliveryPaper) -> Iterator[Block]:
    yield from paper_top(
        paper.heading, "Repair delivered", paper.number, ("When", paper.delivered_at), ("By", paper.delivered_by),
        ("Customer", paper.customer_name), ("Taken by", paper.fetched_by), ("Receipt", paper.receipt_number),
    )  # fmt: skip
    yield Row(Role.ITEM, paper.device.name)
    for words in (*paper.device.looks, paper.outcome):
        yield Row(Role.DETAIL, words)
    yield Rule()
    for line in paper.work:
        name = line.name if line.quantity == 1 else f"{line.quantity:,} × {line.name}"
        yield Row(Role.ITEM, name, money_text(line.amount_minor, paper.exponent))
        for note in line.notes:
            yield Row(Role.DETAIL, note)
    if paper.work:
        yield Row(Role.TOTAL, f"Total {paper.currency}", money_text(paper.total_minor, paper.exponent))
    if paper.paid_minor:
        yield Row(Role.SUM, "Paid", money_text(paper.paid_minor, paper.exponent))
    if paper.due_minor > 0:
        yield Row(Role.SETTLED, "Balance due", money_text(paper.due_minor, paper.exponent))
    yield from _listed("Warranty on this work", (paper.warranty,))
    yield from _listed("Given back with it", paper.accessories)
    yield from _listed("Loaner phone", (paper.loaner,))
    yield from _listed("Not agreed at delivery", paper.disputes)
    yield from signature_line("Taken by")


def _listed(title: str, words: tuple[str, ...]) -> Iterator[Block]:
    """A title with what belongs to it below; nothing where there is nothing to say."""
    said = [text for text in words if text]
    if said:
        yield Row(Role.ITEM, title)
        for text in said:
            yield Row(Role.DETAIL, text)
