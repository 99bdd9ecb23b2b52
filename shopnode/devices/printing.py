"""One job on one printer: ask, send, ask again. What the answers mean.

Invariants:
  * Nothing is sent to a printer that says it is not ready.
  * "Printed" is said only when the printer answered ready after the last byte and still did when the paper should be
    out; a printer that never answers gets "sent", not "printed".
Source of the bits: Epson's DLE EOT; bits 0, 1, 4 and 7 of every answer are fixed, which tells printers from others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from shopnode.devices.transports import Link, Transport
from shopnode.devices.trouble import (
    CoverOpen,
    Interrupted,
    NotAPrinter,
    OutOfPaper,
    PrinterFault,
    PrinterTrouble,
    Stalled,
)
from shopnode.documents.escpos import ask_status

ASK_PRINTER, ASK_WHY_OFFLINE, ASK_PAPER = 1, 2, 4
_FIXED_BITS, _FIXED_VALUE = 0b1001_0011, 0b0001_0010
_OFFLINE, _COVER, _PAPER_STOP, _FAULT, _NEAR_END, _PAPER_END = 0x08, 0x04, 0x20, 0x40, 0x0C, 0x60
SETTLE_FIRST_S, SETTLE_S_PER_LINE, SETTLE_S_MAX = 0.2, 0.03, 6.0  # a slow printer prints 30 lines a second
SETTLE_STEP_S = 0.5
SLOW_BYTES_PER_S, BEHIND_S_MAX = 2_000, 20.0


class Paper(StrEnum):
    OK = "ok"
    LOW = "low"
    OUT = "out"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class PrinterStatus:
    """What the printer says of itself. `is_known` is False when it does not report at all."""

    is_known: bool
    is_online: bool = True
    paper: Paper = Paper.UNKNOWN
    is_cover_open: bool = False
    has_fault: bool = False

    @property
    def words(self) -> str:
        if not self.is_known:
            return "This printer does not report its state"
        trouble = trouble_of(self)
        return str(trouble) if trouble else "Ready, paper is low" if self.paper is Paper.LOW else "Ready"


UNKNOWN = PrinterStatus(is_known=False)


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for an answer; tests are less patient."""

    answer_s: float = 2.0
    one_way_s: float = 0.4  # for a device that need not answer
    settle_share: float = 1.0  # of the time the paper needs; 0 asks only once, at once


def read_status(link: Link, answer_s: float = 2.0) -> PrinterStatus:
    """Ask whether the printer is ready, and if not, why.

    Raises NotAPrinter for answers no printer gives, ConnectionLost, Interrupted.
    """
    printer = _ask(link, ASK_PRINTER, answer_s)
    if printer is None:
        return UNKNOWN
    paper = _ask(link, ASK_PAPER, answer_s)
    is_online = not printer & _OFFLINE
    why = None if is_online else _ask(link, ASK_WHY_OFFLINE, answer_s)
    return PrinterStatus(
        is_known=True,
        is_online=is_online,
        paper=_paper(paper, why),
        is_cover_open=bool(why and why & _COVER),
        has_fault=bool(why and why & _FAULT),
    )


def trouble_of(status: PrinterStatus) -> PrinterTrouble | None:
    """What keeps this printer from printing; None when it is ready or does not say."""
    if status.is_cover_open:
        return CoverOpen()
    if status.paper is Paper.OUT:
        return OutOfPaper()
    return None if status.is_online and not status.has_fault else PrinterFault()


def send_job(
    transport: Transport,
    data: bytes,
    *,
    must_answer: bool,
    before_first_byte: Callable[[], bool],
    stop: threading.Event,
    patience: Patience | None = None,
) -> bool | None:
    """Print `data`, all of it. Returns whether the printer confirmed it; None if the job was no longer wanted.

    must_answer        silence is a stall; False for one-way devices, which print unconfirmed
    before_first_byte  commits that bytes go out; False from it means: send nothing

    Raises PrinterTrouble; what the printer has not yet taken is then thrown away.
    """
    patience = patience or Patience()
    link = transport.open(stop)
    done = False
    try:
        _demand_ready(link, must_answer, patience)
        if not before_first_byte():
            return None
        link.send(data)
        is_confirmed = _watch_until_out(link, data, must_answer, stop, patience)
        done = True
        return is_confirmed
    finally:
        link.close(discard=not done)


def _demand_ready(link: Link, must_answer: bool, patience: Patience) -> bool:
    """Raises the trouble the printer is in. Returns whether it answered."""
    status = read_status(link, patience.answer_s if must_answer else patience.one_way_s)
    if must_answer and not status.is_known:
        raise Stalled
    trouble = trouble_of(status)
    if trouble is not None:
        raise trouble
    return status.is_known


def _watch_until_out(link: Link, data: bytes, must_answer: bool, stop: threading.Event, patience: Patience) -> bool:
    """Printers answer status at once, while the paper is still coming: so keep asking until it should be out."""
    lines = data.count(b"\n")
    wait_s = patience.settle_share * min(SETTLE_S_MAX, SETTLE_FIRST_S + SETTLE_S_PER_LINE * lines)
    # A printer with a small buffer answers only once it has taken what came before the question.
    behind_s = min(BEHIND_S_MAX, len(data) / SLOW_BYTES_PER_S) if must_answer else 0.0
    is_known = _demand_ready(link, must_answer, replace(patience, answer_s=patience.answer_s + behind_s))
    while wait_s > 0 and is_known:
        if stop.wait(min(SETTLE_STEP_S, wait_s)):
            raise Interrupted
        wait_s -= SETTLE_STEP_S
        is_known = _demand_ready(link, must_answer, patience)
    return is_known


def _ask(link: Link, what: int, answer_s: float) -> int | None:
    answer = link.ask(ask_status(what), answer_s)
    if answer is not None and answer & _FIXED_BITS != _FIXED_VALUE:
        raise NotAPrinter
    return answer


def _paper(paper: int | None, why_offline: int | None) -> Paper:
    if (paper is not None and paper & _PAPER_END) or (why_offline is not None and why_offline & _PAPER_STOP):
        return Paper.OUT
    if paper is None:
        return Paper.UNKNOWN
    return Paper.LOW if paper & _NEAR_END else Paper.OK
