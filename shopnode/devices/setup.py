"""From a printer's settings to the paper it has and the way to reach it."""

from __future__ import annotations

import threading

from shopnode.devices.printing import Patience, read_status, trouble_of
from shopnode.devices.transports import DeviceTransport, TcpTransport, Transport
from shopnode.devices.trouble import PrinterTrouble
from shopnode.documents.escpos import Paper
from shopnode.domain.printing import models
from shopnode.domain.printing.models import Printer
from shopnode.domain.printing.rules import split_host


def paper_of(printer: Printer) -> Paper:
    return Paper(printer.columns, printer.code_page, printer.cuts, printer.qr_as_image)


def transport_of(printer: Printer) -> Transport:
    if printer.transport == models.Transport.DEVICE:
        return DeviceTransport(printer.address)
    return TcpTransport(*split_host(printer.address))


def look_at(printer: Printer, patience: Patience | None = None) -> tuple[bool, str]:
    """Ask the printer how it is: whether it would print now, and in words. Waits a few seconds at most."""
    try:
        link = transport_of(printer).open(threading.Event())
        try:
            status = read_status(link, (patience or Patience()).answer_s)
        finally:
            link.close()
    except PrinterTrouble as trouble:
        return False, trouble.reason.capitalize()
    trouble_found = trouble_of(status)
    is_ready = trouble_found is None and (status.is_known or not printer.asks_status)
    return is_ready, trouble_found.reason.capitalize() if trouble_found else status.words
