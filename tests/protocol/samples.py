"""A small, fixed world in wire form. The examples in `sync_protocol/examples` are written from it."""

from hashlib import sha256
from typing import Any

from sync_protocol import chain
from sync_protocol.entries import Row, make_entry
from sync_protocol.keys import public_text, read_private
from sync_protocol.lines import make_line, outcome_blocks, shop_stream
from sync_protocol.personal import Sealer
from sync_protocol.shape import Entry, Line


def id_of(name: str) -> str:
    """A fixed id for a name, in the form of a UUIDv7."""
    digits = sha256(name.encode()).hexdigest()
    return f"019a8c00-{digits[:4]}-7{digits[4:7]}-8{digits[7:10]}-{digits[10:22]}"


NODE_KEY = read_private(sha256(b"the node's key in examples").digest())
HUB_KEY = read_private(sha256(b"the hub's key in examples").digest())
STRANGER_KEY = read_private(sha256(b"a stranger's key in examples").digest())
NODE_KEY_TEXT, HUB_KEY_TEXT = public_text(NODE_KEY), public_text(HUB_KEY)

NODE, ORIGIN, OTHER_ORIGIN = id_of("node"), id_of("origin"), id_of("other origin")
TENANT, SHOP, BUSINESS = id_of("tenant"), id_of("shop"), id_of("business")
ASHA, OWNER = id_of("Asha"), id_of("the owner")
AUDIENCE = "hub.example"
EPOCH = "2026-11-01-a"
NOON_MS = 1_795_338_000_000
NOON_S = NOON_MS // 1000


def fixed_bytes(count: int) -> bytes:
    """In place of chance, where an example must come out the same each time."""
    return sha256(b"salt").digest()[:count]


def header(n: int, **fields: Any) -> dict[str, Any]:
    """What every entry has beside its rows."""
    return {
        "n": n,
        "id": id_of(f"entry {n}"),
        "action": "sales.sell",
        "actor": ASHA,
        "at": NOON_MS + 1000 * n,
        "boot": "5eed0001",
        "mono": 7_200_000 + 1000 * n,
        "offset": -1500,
        "schema": 1,
        "seen": 41,
        "shop": SHOP,
        "ip": "192.168.1.20",
        "ua": "Mozilla/5.0",
        **fields,
    }


def sale_rows(n: int) -> list[Row]:
    """A sale of one charger for cash."""
    sale, line = id_of(f"sale {n}"), id_of(f"sale line {n}")
    product = id_of("product")
    return [
        Row("sale", "i", sale, {"shop_id": SHOP, "number": f"KLA1-{n:06}", "seller_id": ASHA, "sold_at": NOON_MS}),
        Row(
            "sale_line",
            "i",
            line,
            {"sale_id": sale, "line_no": 1, "product_id": product, "quantity": 1, "unit_price_minor": 35_000},
        ),
        Row("payment", "i", id_of(f"payment {n}"), {"sale_id": sale, "method": "cash", "amount_minor": 35_000}),
        Row(
            "stock_movement",
            "i",
            id_of(f"movement {n}"),
            {"shop_id": SHOP, "product_id": product, "kind": "sale", "quantity": -1, "line_id": line},
        ),
    ]


def sale_entry(n: int) -> tuple[Entry, bytes]:
    return make_entry(sale_rows(n), subject=["sale", id_of(f"sale {n}")], **header(n))


def customer_entry(n: int) -> tuple[Entry, bytes]:
    """A customer whose name is personal, and whose product's price changes in the same act."""
    sealer = Sealer(fixed_bytes)
    customer = id_of("customer")
    rows = [
        Row("customer", "i", customer, {"name": sealer.seal("Nakato Grace"), "created_by": ASHA}),
        Row("product", "u", id_of("product"), {"price_minor": [35_000, 33_000, 40]}),
    ]
    fields = header(n, action="customers.add_customer", subject=["customer", customer], approver=OWNER)
    return make_entry(rows, sealer.reveals, **fields)


def entries(count: int) -> list[tuple[Entry, bytes]]:
    """The first entries of the origin; the second has personal values."""
    return [customer_entry(n) if n == 2 else sale_entry(n) for n in range(1, count + 1)]


def heads(count: int) -> list[str]:
    """The hashes of the origin's first entries."""
    return chain.links(chain.genesis(ORIGIN), [stored for _, stored in entries(count)])


def line_of(entry: Entry, no: int = 43, prev: int = 42, origin: str = OTHER_ORIGIN, stream: str = "") -> Line:
    return make_line(entry, origin, no, prev, stream or shop_stream(SHOP), outcome_blocks(entry["rows"]))
