"""Nodes of one shop that are enrolled with a served hub, over HTTP like any other."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from shopnode.domain.clock import Clock, SystemClock
from shopnode.domain.context import Actor, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.node import NodeHome
from shopnode.domain.permissions import Role
from shopnode.domain.setup import create_installation
from shopnode.sync.enrol import ask_to_enrol, link_row
from shopnode.sync.worker import SyncWorker
from tests.bench.our_hub import NODES
from tests.bench.shop import CHANNEL


class JoinedNode:
    """One PC: its books, and the worker that exchanges with the hub."""

    def __init__(self, folder: Path, url: str, code: str, owner: str, clock: Clock | None = None):
        clock = clock or SystemClock()
        enrolment = ask_to_enrol(url, code, device="bench", software="phoneshop bench", random=secrets.token_bytes)
        answer = enrolment.answer
        self.database = NodeDatabase(folder / f"{answer.series}.db", secrets.token_bytes(32))
        upgrade_node(self.database)
        self.database.guard()
        create_installation(
            self.database, clock, secrets.token_bytes, series=answer.series, node_id=answer.node,
            origin_id=answer.origin, shop_id=answer.shop,
        )  # fmt: skip
        with self.database.writing() as session:
            session.add(link_row(enrolment))
        self.home = NodeHome(self.database, clock)
        self.ctx = Context(self.home, Actor(owner, "Sarah", Role.OWNER), self.home.shop_id, CHANNEL)
        self.worker = SyncWorker(self.home)

    def sync(self) -> None:
        """Send and fetch until nothing is left."""
        self.worker.run_once()

    def close(self) -> None:
        self.database.close()


def join(folder: Path, invitation: Path, port: int) -> list[JoinedNode]:
    """A node for each code of the invitation."""
    return [one(folder, invitation, place, port) for place in range(NODES)]


def one(folder: Path, invitation: Path, place: int, port: int, clock: Clock | None = None) -> JoinedNode:
    """The node of one of the codes; `port` may be that of a line which leads to the hub."""
    told = json.loads(invitation.read_text())
    return JoinedNode(folder, f"http://127.0.0.1:{port}", told["codes"][place], told["owner"], clock)
