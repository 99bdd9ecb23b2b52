"""A receipt printer without paper: a real TCP socket that behaves, and misbehaves, as printers do.

For tests, for the browser story and for the demo. It answers real-time status (DLE EOT 1, 2 and 4) in the middle of
other data, keeps every byte it was told to print, and can show what would stand on the paper.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

from shopnode.documents.escpos import PAPER_80, Paper
from shopnode.documents.escpos_preview import preview_png
from shopnode.documents.escpos_reader import Happening, Tape, read_escpos

_ASK = b"\x10\x04"
SMALL_BUFFER = 2048


class FakePrinter:
    """One printer. Change the public attributes at any time to make trouble; `jobs` is what it printed.

    paper             "ok", "low" or "out"
    is_cover_open     the cover stands open
    has_fault         a fault that needs the power switch
    is_stalled        takes no more bytes and answers nothing
    is_mute           prints, but never answers a status request
    garbage           what it says to everything, as a device that is no printer would
    bytes_per_s       how fast it takes bytes; 0 is as fast as they come
    paper_ends_after  bytes after which the paper ends
    dies_after        bytes after which the power goes
    stalls_after      bytes after which it takes no more
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1", paper: Paper = PAPER_80):
        self.host, self.port, self.format = host, port, paper
        self.paper = "ok"
        self.is_cover_open = self.has_fault = self.is_stalled = self.is_mute = False
        self.garbage = b""
        self.bytes_per_s = 0
        self.paper_ends_after: int | None = None
        self.dies_after: int | None = None
        self.stalls_after: int | None = None
        self.jobs: list[bytes] = []
        self.questions = 0
        self._changed = threading.Condition()
        self._off = threading.Event()
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    # ── what a person does to it ──

    def turn_on(self) -> FakePrinter:
        """Listen; the port stays the same for good."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        listener.bind((self.host, self.port))
        listener.listen(8)
        self.port = listener.getsockname()[1]
        self._off.clear()
        self._listener = listener
        self._spawn(self._accept, listener)
        return self

    def turn_off(self) -> None:
        """Power away: connections break, new ones are refused."""
        self._off.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5)
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def load_paper(self) -> None:
        self.paper, self.paper_ends_after = "ok", None

    def __enter__(self) -> FakePrinter:
        return self.turn_on()

    def __exit__(self, *problem: object) -> None:
        self.turn_off()

    # ── what came out ──

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def received(self) -> bytes:
        return b"".join(self.jobs)

    def tapes(self) -> list[Tape]:
        """What each job that printed something put on paper."""
        read = [read_escpos(job, self.format) for job in list(self.jobs)]
        return [tape for tape in read if tape.printed]

    @property
    def drawer_kicks(self) -> int:
        return len(read_escpos(self.received, self.format).happened(Happening.DRAWER))

    def preview(self, scale: int = 2) -> bytes:
        """Everything printed so far as one PNG."""
        return preview_png(self.received, self.format, scale)

    def wait_for(self, jobs: int, timeout_s: float = 5.0) -> bool:
        """Until so many jobs have sent something; False if they did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.jobs) >= jobs, timeout_s)

    # ── how it works ──

    def _accept(self, listener: socket.socket) -> None:
        while not self._off.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        """Take bytes until the power goes or the other side closes. A power cut resets the connection."""
        connection.settimeout(0.02)
        job: int | None = None
        pending = b""
        with connection, contextlib.suppress(OSError):
            while not self._off.is_set():
                if self.is_stalled:
                    self._off.wait(0.02)
                    continue
                try:
                    data = connection.recv(256)
                except TimeoutError:
                    continue
                if not data:
                    return
                if self.garbage:
                    connection.sendall(self.garbage)
                    continue
                job, pending = self._take(connection, job, pending + data)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _take(self, connection: socket.socket, job: int | None, data: bytes) -> tuple[int | None, bytes]:
        """Print and answer in the order of the bytes; returns the job and what is not yet dealt with."""
        while data and not self.is_stalled and not self._off.is_set():
            at = data.find(_ASK)
            if at < 0:
                unfinished = data.endswith(_ASK[:1])
                return self._keep(job, data[: len(data) - unfinished]), data[len(data) - unfinished :]
            if at:
                job, data = self._keep(job, data[:at]), data[at:]
            elif len(data) < 3:
                break
            else:
                self.questions += 1
                if not self.is_mute:
                    connection.sendall(bytes([self._status(data[2])]))
                data = data[3:]
        return job, data

    def _status(self, what: int) -> int:
        is_out = self.paper == "out"
        if what == 1:
            return 0x12 | (0x08 if is_out or self.is_cover_open or self.has_fault else 0)
        if what == 2:
            return 0x12 | 0x04 * self.is_cover_open | 0x20 * is_out | 0x40 * self.has_fault
        return 0x12 | (0x6C if is_out else 0x0C if self.paper == "low" else 0)

    def _keep(self, job: int | None, data: bytes) -> int | None:
        if not data:
            return job
        with self._changed:
            if job is None:
                self.jobs.append(b"")
                job = len(self.jobs) - 1
            self.jobs[job] += data
            self._changed.notify_all()
        taken = len(self.received)
        if self.paper_ends_after is not None and taken >= self.paper_ends_after:
            self.paper = "out"
        if self.stalls_after is not None and taken >= self.stalls_after:
            self.is_stalled = True
        if self.dies_after is not None and taken >= self.dies_after:
            self.turn_off()
        if self.bytes_per_s:
            self._off.wait(len(data) / self.bytes_per_s)
        return job

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True, name="fake-printer")  # type: ignore[arg-type]
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()
