"""A node made of nothing but a key: what it says is written by the test, so it can also say what no real node would."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import NewTenant
from shopnode.domain.clock import new_id
from sync_protocol.canonical import canonical
from sync_protocol.chain import genesis, head_message, link
from sync_protocol.compression import compress, decompress
from sync_protocol.keys import public_text, read_private, read_public, sign
from sync_protocol.signing import NEW_ORIGIN, Request, Response, sign_request, verify_response
from tests.hub.world import World

EXCHANGE = "/sync/v1/exchange"
ENROL = "/sync/v1/enrol"
Entry = dict[str, Any]


@dataclass
class Answered:
    """What the hub said, read."""

    status: int
    body: dict[str, Any]
    signed: bool

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))

    @property
    def verdicts(self) -> dict[int, str]:
        return {v["n"]: v["verdict"] for v in self.body["ack"]["verdicts"]}

    @property
    def lines(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["pull"]["lines"]
        return found


@dataclass
class RawNode:
    """A node whose journal is a list."""

    world: World
    client: FlaskClient
    secret: bytes
    node: str = ""
    origin: str = ""
    shop: str = ""
    tenant: str = ""
    run: str = ""
    entries: list[Entry] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    sent: int = 0
    cursor: int = 0
    streams: dict[str, list[Any]] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    @property
    def key(self) -> Any:
        return read_private(self.secret)

    def new_id(self) -> str:
        return new_id(self.world.clock.wall_ms(), self.chance.randbytes)

    def write(self, *rows: list[Any], action: str = "tests.act", **more: Any) -> Entry:
        """Journal one entry with these blocks."""
        clock = self.world.clock
        entry: Entry = {
            "action": action, "actor": None, "at": clock.wall_ms(), "boot": clock.boot_id(), "id": self.new_id(),
            "mono": clock.mono_ms(), "n": len(self.entries) + 1, "rows": list(rows), "schema": 1,
            "seen": self.cursor, "shop": self.shop, **more,
        }  # fmt: skip
        self.entries.append(entry)
        sealed = {name: value for name, value in entry.items() if name != "personal"}
        self.hashes.append(link(self.hash_of(len(self.hashes)), canonical(sealed)))
        return entry

    def hash_of(self, n: int) -> str:
        return self.hashes[n - 1] if n else genesis(self.origin)

    def push_of(self, first: int, last: int) -> dict[str, Any]:
        return {
            "first": first,
            "prev": self.hash_of(first - 1),
            "entries": self.entries[first - 1 : last],
            "sig": sign(self.key, head_message(self.origin, last, self.hash_of(last))),
        }

    def message(self, push: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        clock = self.world.clock
        return {
            "protocol": 1, "schema": 1, "node": self.node, "origin": self.origin, "run": self.run,
            "clock": {"wall": clock.wall_ms(), "mono": clock.mono_ms(), "boot": clock.boot_id()},
            "have": {"epoch": self.world.hub.identity.epoch, "cursor": self.cursor, "streams": self.streams},
            "push": push, "pull": None, "health": {"outbox": 0}, **more,
        }  # fmt: skip

    def send(self, message: dict[str, Any], path: str = EXCHANGE, keyid: str = "") -> Answered:
        """Sign and send a message; read the answer and whether the hub signed it."""
        encoding, body = compress(canonical(message))
        headers = self.headers(body, encoding, path, keyid)
        return self.read(self.client.post(path, data=body, headers=headers), headers["Signature"])

    def headers(self, body: bytes, encoding: str = "identity", path: str = EXCHANGE, keyid: str = "") -> dict[str, str]:
        request = Request("POST", path, body)
        hub = self.world.hub
        now_s = self.world.clock.wall_ms() // 1000
        origin = NEW_ORIGIN if path == ENROL else self.origin
        signed = sign_request(self.key, keyid or self.node, request, encoding, hub.identity.audience, origin, now_s)
        return {"Content-Type": "application/json", **signed}

    def read(self, answer: TestResponse, signature: str) -> Answered:
        raw = answer.get_data()
        try:
            verify_response(
                Response(answer.status_code, raw, list(answer.headers.items())),
                read_public(self.world.hub.identity.public_key),
                signature,
            )
            signed = True
        except Exception:
            signed = False
        plain = decompress(raw, answer.headers.get("Content-Encoding", "identity"))
        return Answered(answer.status_code, orjson.loads(plain), signed)

    def push(self, first: int | None = None, last: int | None = None) -> Answered:
        """Send what has not been sent, or the entries of that range."""
        begin, end = first or self.sent + 1, last or len(self.entries)
        answer = self.send(self.message(self.push_of(begin, end)))
        if answer.status == 200:
            self.sent = max(self.sent, answer.body["ack"]["accepted"])
        return answer

    def pull(self, rows: int = 4_000, size: int = 2_000_000) -> Answered:
        answer = self.send(self.message(pull={"rows": rows, "bytes": size}))
        if answer.status == 200:
            self.cursor = answer.body["pull"]["to"]
        return answer


def raw_node(world: World, code: str = "KLA", tenant: NewTenant | None = None, shop_id: str | None = None) -> RawNode:
    """A made-up node, enrolled by a real code."""
    chosen = tenant or world.kisura
    shop_id = shop_id or world.shop(code, chosen)
    chance = random.Random(f"{code}{chosen.tenant_id}")
    made = RawNode(world, world.app.test_client(), chance.randbytes(32), chance=chance)
    answer = made.send(enrol_message(world, made, chosen.tenant_id, shop_id), ENROL, public_text(made.key))
    assert answer.status == 200, answer.body
    made.node, made.origin, made.shop = answer.body["node"], answer.body["origin"], answer.body["shop"]
    made.tenant, made.run = answer.body["tenant"], made.new_id()
    return made


def enrol_message(world: World, node: RawNode, tenant_id: str, shop_id: str, **more: Any) -> dict[str, Any]:
    typed = make_enrol_code(world.hub, tenant_id, shop_id)
    return {
        "protocol": 1, "schema": 1, "code": typed, "public_key": public_text(node.key), "device": "Raw PC",
        "software": "0.1.0", **more,
    }  # fmt: skip


# --- rows


def product(row_id: str, **fields: Any) -> list[Any]:
    """An insert of one product."""
    values: dict[str, Any] = {
        "name": "Tempered glass", "category": "Accessories", "cost_minor": 1_500, "price_minor": 5_000,
        "floor_minor": 4_000, "min_stock_level": 0, "warranty_days": 0, "is_serialised": False,
        "is_preloaded": False, "created_at": 1_790_000_000_000, **fields,
    }  # fmt: skip
    return ["product", "i", ["id", *values], [[row_id, *values.values()]]]


def change(entity: str, row_id: str, seen: int | None = None, **fields: tuple[Any, Any]) -> list[Any]:
    """An update of one row: column=(before, after)."""
    values = [list(pair) if seen is None else [*pair, seen] for pair in fields.values()]
    return [entity, "u", ["id", *fields], [[row_id, *values]]]


def sale(row_id: str, shop: str, number: str = "KLA1-000001", **fields: Any) -> list[Any]:
    values: dict[str, Any] = {
        "shop_id": shop, "number": number, "discount_minor": 0, "business_on": "2026-09-21",
        "sold_at": 1_790_000_000_000, **fields,
    }  # fmt: skip
    return ["sale", "i", ["id", *values], [[row_id, *values.values()]]]


def payment(row_id: str, sale_id: str, shop: str, **fields: Any) -> list[Any]:
    values: dict[str, Any] = {
        "sale_id": sale_id, "shop_id": shop, "kind": "payment", "method": "cash", "amount_minor": 5_000,
        "at": 1_790_000_000_000, **fields,
    }  # fmt: skip
    return ["payment", "i", ["id", *values], [[row_id, *values.values()]]]
