"""`shopnode serve`: the node behind waitress until it is told to stop.

Invariants:
  * Loopback only, unless somebody said that the network may listen in (`--no-tls`).
  * Request bodies are held in memory up to their limit and never spilled to a temporary file: a spilled body would lie
    on the disk in plain text.
  * A signal ends it like the end of the day: requests in hand are answered, workers stop, the log is folded in.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shopnode.config import ConfigError, Folder, Settings, is_loopback
from shopnode.machine.logs import log_requests, set_up_logs

if TYPE_CHECKING:
    from shopnode.machine.runtime import Node

CONNECTIONS_MAX = 200
ANSWER_BYTES_HELD = 64 * 1024 * 1024  # an answer that long is a bug; it is streamed from memory, never from a file

OPEN_NETWORK = (
    "{} can be reached by every device on the network, and passwords would travel in the open. Listen at 127.0.0.1, "
    "or say --no-tls to allow it"
)


def serve(folder: Folder, settings: Settings, *, no_tls: bool, tell: Callable[[str], None]) -> None:
    """Serve until a signal comes. Raises ConfigError, and what opening a node raises."""
    from shopnode.app import create_app
    from shopnode.domain.collector import calm_collector
    from shopnode.machine.control import open_when_free

    if not is_loopback(settings.host) and not no_tls:
        raise ConfigError(OPEN_NETWORK.format(settings.host))
    with open_when_free(folder, settings) as node:
        set_up_logs(folder.logs, settings.log_bytes_max)
        server = _listen(create_app(node, hosts=settings.host_names), settings, node)
        port = server.effective_port
        node.address = f"http://{_shown_host(settings.host)}:{port}"
        _stop_on_signals()
        try:
            calm_collector()
            node.start()
            tell(node.address)
            server.run()  # returns after SystemExit, its threads stopped
        except SystemExit:
            pass  # the signal came before the server ran
        finally:
            _ignore_signals()
            server.close()


def _listen(app: Any, settings: Settings, node: Node) -> Any:
    from waitress import create_server

    door = _open_door(settings)
    return create_server(
        log_requests(app, node.home.clock.mono_ms),
        sockets=[door],
        threads=settings.threads,
        connection_limit=CONNECTIONS_MAX,
        max_request_body_size=settings.body_bytes_max,
        inbuf_overflow=settings.body_bytes_max + 1,
        outbuf_overflow=ANSWER_BYTES_HELD,
        channel_request_lookahead=1,  # a gone client is noticed while its live view still runs
        ident=None,
        clear_untrusted_proxy_headers=True,
        expose_tracebacks=False,
    )


def _open_door(settings: Settings) -> socket.socket:
    """The listening socket. Raises ConfigError in words when the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as taken:
        reason = taken.strerror or "it cannot be used"
        raise ConfigError(f"Port {settings.port} at {settings.host}: {reason}. Choose another with --port.") from None


def _stop_on_signals() -> None:
    def stop(number: int, frame: Any) -> None:
        raise SystemExit

    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


def _ignore_signals() -> None:
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _shown_host(host: str) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 — only shown, not bound
    return f"[{shown}]" if ":" in shown and not shown.startswith("[") else shown


def announce(address: str) -> None:
    """Say where the counter is, at once even into a pipe."""
    sys.stdout.write(f"The shop is open at {address}\n")
    sys.stdout.flush()
