"""When a print job is tried again, when it is too late, and what a printer's address may be. Pure."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta

from shopnode.domain.printing.models import JobKind, Transport

LIFE = {
    JobKind.RECEIPT: timedelta(minutes=30),  # then the customer is gone: print again from the sale
    JobKind.TEST: timedelta(minutes=2),
    JobKind.DRAWER: timedelta(seconds=5),  # a drawer that opens late opens unattended
}
FIRST_DELAY_S, DELAY_S_MAX = 2, 60
DRAWER_DELAY = timedelta(milliseconds=500)
PORT_DEFAULT = 9100
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9-]{1,63}){0,8}\Z")
_DEVICE = re.compile(r"/dev/(usb/)?(lp|ttyUSB|ttyACM)\d{1,3}\Z")


def retry_delay(tries: int) -> timedelta:
    """How long to leave a printer alone after this many tries: 2, 4, 8 … 60 seconds."""
    return timedelta(seconds=min(DELAY_S_MAX, FIRST_DELAY_S * 2 ** max(0, min(tries, 10) - 1)))


def is_due(now: datetime, next_try_at: datetime) -> bool:
    """Whether a job's turn has come. A clock that was set back must not hold receipts up for as long as it jumped."""
    return next_try_at <= now or next_try_at > now + timedelta(seconds=DELAY_S_MAX)


def is_in_time(kind: JobKind, now: datetime, created_at: datetime, expires_at: datetime) -> bool:
    """Whether a job may still be sent. For a drawer, a clock set back counts as too late, never as more time."""
    return now < expires_at and (kind is not JobKind.DRAWER or created_at <= now)


def split_host(address: str) -> tuple[str, int]:
    """Host and port of "192.168.1.50", "printer.local:9100" or "[fe80::1]:9100".

    Raises ValueError, in words, for anything else.
    """
    host, port = address.strip(), str(PORT_DEFAULT)
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif host.count(":") == 1:
        host, port = host.split(":")
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65_535):
        raise ValueError("The port after the colon is a number up to 65535, usually 9100.")
    if not _is_host(host):
        raise ValueError("Write the printer's network address, such as 192.168.1.50.")
    return host, int(port)


def check_address(transport: Transport, address: str) -> str:
    """The address as it is kept. Raises ValueError, in words, if no printer can have it."""
    if transport is Transport.DEVICE:
        if not _DEVICE.match(address.strip()):
            raise ValueError("Write the printer's device, such as /dev/usb/lp0.")
        return address.strip()
    host, port = split_host(address)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_host(host: str) -> bool:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return bool(_HOST.match(host)) and not re.fullmatch(r"[\d.]+", host)
    return not (found.is_multicast or found.is_unspecified)
