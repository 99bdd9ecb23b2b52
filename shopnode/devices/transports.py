"""Bytes to a printer and answers back, over TCP (port 9100) or a device file. Nothing here knows what a receipt is.

Invariants:
  * Every wait has an end and can be ended at once from another thread by `stop`.
  * A connection that failed is reset, not closed politely, so that what the printer has not taken is thrown away:
    a drawer must not open minutes later.
  * A device file is opened only if it is a character device, and never created.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from shopnode.devices.trouble import (
    ConnectionLost,
    Interrupted,
    NotAllowed,
    NotAPrinter,
    PrinterFault,
    PrinterOff,
    Stalled,
)

CHUNK_BYTES = 1024
SLICE_S = 0.05  # how soon a wait notices `stop`


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `stall_s` is how long a printer may take nothing before it counts as stalled."""

    connect_s: float = 3.0
    answer_s: float = 2.0
    stall_s: float = 8.0
    job_s: float = 60.0


class Link(Protocol):
    """An open way to a printer."""

    def send(self, data: bytes) -> None:
        """Hand over all the bytes. Raises Stalled, ConnectionLost or Interrupted."""
        ...

    def ask(self, question: bytes, answer_s: float) -> int | None:
        """Send a status request and return its one-byte answer; None if none comes in time."""
        ...

    def close(self, *, discard: bool = False) -> None:
        """Let go; with `discard`, throw away what was not yet taken."""
        ...


class Transport(Protocol):
    def open(self, stop: threading.Event) -> Link:
        """Raises PrinterOff, NotAllowed, NotAPrinter."""
        ...


@dataclass(frozen=True)
class TcpTransport:
    host: str
    port: int
    timeouts: Timeouts = field(default_factory=Timeouts)

    def open(self, stop: threading.Event) -> Link:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as failure:
            raise PrinterOff from failure
        family, kind, protocol, _, address = found[0]
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connect(connection, address, stop)
        except BaseException:
            connection.close()
            raise
        return _TcpLink(connection, self.timeouts, stop)

    def _connect(self, connection: socket.socket, address: Any, stop: threading.Event) -> None:
        try:
            connection.connect(address)
        except BlockingIOError:
            pass
        except OSError as failure:
            raise PrinterOff from failure
        try:
            wait_ready(connection.fileno(), stop, time.monotonic() + self.timeouts.connect_s, writing=True)
        except Stalled as failure:
            raise PrinterOff from failure
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise PrinterOff


@dataclass(frozen=True)
class DeviceTransport:
    path: str
    timeouts: Timeouts = field(default_factory=Timeouts)

    def open(self, stop: threading.Event) -> Link:
        if not hasattr(os, "O_NONBLOCK"):
            raise PrinterFault("device files work on Linux only. Give the printer's network address in its settings")
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except PermissionError as failure:
            raise NotAllowed from failure
        except OSError as failure:
            raise PrinterOff from failure
        if not stat.S_ISCHR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotAPrinter
        return _DeviceLink(descriptor, self.timeouts, stop)


class _PolledLink:
    """What both links share: chunks, waits in slices, one deadline for the job."""

    def __init__(self, descriptor: int, timeouts: Timeouts, stop: threading.Event):
        self._descriptor, self._timeouts, self._stop = descriptor, timeouts, stop
        self._ends_s = time.monotonic() + timeouts.job_s

    def send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._wait(writing=True, wait_s=self._timeouts.stall_s)
            try:
                taken = self._write(left[:CHUNK_BYTES])
            except BlockingIOError:
                continue
            except OSError as failure:
                raise ConnectionLost from failure
            left = left[taken:]

    def ask(self, question: bytes, answer_s: float) -> int | None:
        self._drop_old_answers()
        self.send(question)
        try:
            self._wait(writing=False, wait_s=answer_s)
            answer = self._read(1)
        except (Stalled, BlockingIOError):
            return None
        except OSError as failure:
            raise ConnectionLost from failure
        if not answer:
            raise ConnectionLost
        return answer[0]

    def _drop_old_answers(self) -> None:
        """Some printers report changes unasked; only the answer to our question counts."""
        try:
            while _is_ready(self._descriptor, writing=False, wait_s=0):
                if not self._read(64):
                    raise ConnectionLost
        except BlockingIOError:
            return
        except OSError as failure:
            raise ConnectionLost from failure

    def _wait(self, *, writing: bool, wait_s: float) -> None:
        """Until the printer takes or gives a byte. Raises Stalled after `wait_s` or at the job's end, Interrupted."""
        wait_ready(self._descriptor, self._stop, min(time.monotonic() + wait_s, self._ends_s), writing=writing)

    def _write(self, data: memoryview) -> int:
        return os.write(self._descriptor, data)

    def _read(self, count: int) -> bytes:
        return os.read(self._descriptor, count)


class _TcpLink(_PolledLink):
    def __init__(self, connection: socket.socket, timeouts: Timeouts, stop: threading.Event):
        super().__init__(connection.fileno(), timeouts, stop)
        self._socket = connection

    def close(self, *, discard: bool = False) -> None:
        if discard:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _write(self, data: memoryview) -> int:
        return self._socket.send(data)

    def _read(self, count: int) -> bytes:
        return self._socket.recv(count)


class _DeviceLink(_PolledLink):
    def ask(self, question: bytes, answer_s: float) -> int | None:
        """As for TCP; a device that cannot be read simply does not answer."""
        try:
            return super().ask(question, answer_s)
        except ConnectionLost as lost:
            if isinstance(lost.__cause__, OSError) and lost.__cause__.errno in _UNREADABLE:
                return None
            raise

    def close(self, *, discard: bool = False) -> None:
        os.close(self._descriptor)


_UNREADABLE = {errno.EBADF, errno.EINVAL, errno.EPERM, errno.ENOSYS}


def wait_ready(descriptor: int, stop: threading.Event, ends_s: float, *, writing: bool) -> None:
    """Until the descriptor can be read or written. Raises Stalled at `ends_s` (monotonic seconds), Interrupted."""
    while True:
        if stop.is_set():
            raise Interrupted
        if _is_ready(descriptor, writing=writing, wait_s=SLICE_S):
            return
        if time.monotonic() >= ends_s:
            raise Stalled


def _is_ready(descriptor: int, *, writing: bool, wait_s: float) -> bool:
    """An error counts as ready: the read or write that follows reports it."""
    if hasattr(select, "poll"):  # select() fails on descriptors above 1023; Windows has nothing else
        poller = select.poll()
        poller.register(descriptor, select.POLLOUT if writing else select.POLLIN)
        return bool(poller.poll(wait_s * 1000))
    mine = [descriptor]
    ready = select.select([] if writing else mine, mine if writing else [], mine, wait_s)
    return any(ready)
