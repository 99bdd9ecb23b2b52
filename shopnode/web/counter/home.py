"""The node behind the counter's pages: its home, its session cookie, the state of its link."""

from __future__ import annotations

from typing import Any, Protocol

from flask import current_app

from shopnode.domain.node import NodeHome

COOKIE = "session"


class Syncing(Protocol):
    """What the header says about the hub."""

    def status(self) -> Any: ...


class RunningNode(Protocol):
    """What the pages need of a node."""

    home: NodeHome
    sync: Any

    def troubles(self) -> list[str]: ...


def this_node() -> RunningNode:
    """The node this application belongs to."""
    node: RunningNode = current_app.extensions["node"]
    return node
