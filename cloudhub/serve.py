"""Serving: waitress with a written number of threads, and a watch over the embedded server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import waitress
from waitress.server import create_server

from cloudhub.app import REQUEST_BYTES_MAX, create_app
from cloudhub.bell import ring
from cloudhub.hub import Hub
from cloudhub.jobs import Scheduler
from cloudhub.merge.lives import keep_marking
from cloudhub.merge.retry import retry_after_upgrade
from cloudhub.postgres import EmbeddedPostgres, PostgresUnavailable
from shopnode.domain.collector import calm_collector

WATCH_S = 2
CHANNEL_TIMEOUT_S = 60  # a peer that says nothing for so long is dropped

log = logging.getLogger("cloudhub.serve")
assert waitress  # named for its version in the lock


def serve(hub: Hub, host: str, port: int, ready: Callable[[int], None] = lambda port: None) -> None:
    """Answer requests until interrupted. `ready` is told the port once the door is open (0 chooses one)."""
    retry_after_upgrade(hub)
    server = create_server(
        create_app(hub),
        host=host,
        port=port,
        threads=hub.settings.threads,
        channel_timeout=CHANNEL_TIMEOUT_S,
        max_request_body_size=REQUEST_BYTES_MAX,
        ident="cloudhub",
        clear_untrusted_proxy_headers=True,
    )
    stop = threading.Event()
    bell = ring(hub, host)
    if hub.server is not None and hub.server.is_owner:
        threading.Thread(target=_watch, args=(hub.server, stop), name="watch", daemon=True).start()
    threading.Thread(target=Scheduler(hub).keep_working, args=(stop,), name="jobs", daemon=True).start()
    threading.Thread(target=keep_marking, args=(hub, stop), name="mark", daemon=True).start()
    calm_collector()
    ready(int(server.effective_port))
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        log.info("stopping")
    finally:
        stop.set()
        server.close()
        if bell is not None:
            bell.close()


def _watch(postgres: EmbeddedPostgres, stop: threading.Event) -> None:
    """Start the database again when it has died; requests meanwhile are answered with "try again"."""
    while not stop.wait(WATCH_S):
        if postgres.is_running():
            continue
        try:
            postgres.ensure_running()
            log.warning("the database was started again")
        except PostgresUnavailable:
            log.exception("the database does not start")
