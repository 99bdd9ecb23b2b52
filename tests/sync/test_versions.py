"""Releases side by side: an older node is sent what it knows, and gets the rest when it was upgraded."""

from __future__ import annotations

import random
from functools import partial

import pytest
from sqlalchemy import select, text

from cloudhub.merge import schemas
from cloudhub.merge.models import FeedStream
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.models import Node
from cloudhub.tenancy.rotation import ask_for_new_key
from cloudhub.tenancy.tenants import add_shop
from shopnode.domain.actions import perform
from shopnode.domain.capture import wire_columns
from shopnode.domain.catalogue.models import Product
from shopnode.domain.db import synced_models
from shopnode.domain.handsets.models import Handset, Transfer
from shopnode.domain.node import Installation
from shopnode.domain.sales.models import Sale
from shopnode.sync.digest import compare
from shopnode.sync.models import FeedLine, HubLink
from sync_protocol import versions
from sync_protocol.problems import UpgradeNeeded
from sync_protocol.versions import SCHEMA_VERSION, check_versions
from tests.domain.till import open_till
from tests.sync.chain_of_shops import Line
from tests.sync.older import SCHEMA_1, SCHEMA_2, OlderNode, Told


@pytest.fixture
def old(company):
    """A node of the release before, in a shop of its own."""
    clock = company.hub.clock
    made = OlderNode(Line(company.app).send, clock.wall_ms, random.Random(1), SCHEMA_1)
    shop_id = add_shop(company.hub, company.tenant_id, "Shop OLD", "OLD")
    made.enrol(make_enrol_code(company.hub, company.tenant_id, shop_id))
    made.sync()
    return made


def product(node, row_id, **more):
    """An insert as schema 1 writes it."""
    values = {
        "name": "Old glass", "category": "Accessories", "cost_minor": 1_500, "price_minor": 5_000, "floor_minor": 4_000,
        "min_stock_level": 0, "warranty_days": 0, "is_serialised": False, "is_preloaded": False,
        "created_at": node.now_ms(), **more,
    }  # fmt: skip
    return ["product", "i", ["id", *values], [[row_id, *values.values()]]]


def at_hub(company, model, **wanted):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model).filter_by(**wanted)))


def test_all_that_came_after_schema_1_says_so():
    released = [SCHEMA_1, SCHEMA_2]
    for entity, model in synced_models().items():
        came = next((no for no, tables in enumerate(released, 1) if entity in tables), SCHEMA_VERSION)
        assert model.__sync__.since == came, entity
        for column in wire_columns(model) if came == 1 else ():
            since = next((no for no, tables in enumerate(released, 1) if column in tables[entity]), SCHEMA_VERSION)
            assert schemas.column_since(entity, column) == since, (entity, column)


@pytest.mark.parametrize("released", [SCHEMA_1, SCHEMA_2], ids=["schema 1", "schema 2"])
def test_nothing_of_an_earlier_schema_is_gone(released):
    for entity, columns in released.items():
        assert columns <= set(wire_columns(synced_models()[entity])), entity


def test_an_older_node_lacks_a_table_and_a_column():
    news = {found.entity: found for found in schemas.news_since(1, 2)}
    assert news["transfer"].is_whole
    assert not news["product"].is_whole
    assert "only_shop_id" in news["product"].columns


def test_what_an_older_node_writes_arrives_and_what_it_is_sent_it_knows(company, old):
    kla = company.open_branch("KLA")
    till = open_till(kla.shop)
    kla.sync()
    mine = old.new_id()
    old.write(product(old, mine))
    perform(company.portal(), "products.update", {"product_id": till.glass, "only_shop_id": kla.shop.home.shop_id})
    old.sync()
    kla.sync()
    assert old.unknown == []
    assert old.withheld > 0
    assert old.rows["product"][till.glass]["price_minor"] == 5_000
    assert kla.shop.row(Product, mine).name == "Old glass"
    (node,) = [row for row in at_hub(company, Node) if row.id == old.node]
    assert (node.protocol, node.schema) == (1, 1)


def test_the_chain_of_an_older_node_is_the_hubs(company, old):
    kla = company.open_branch("KLA")
    open_till(kla.shop)
    kla.sync()
    old.write(product(old, old.new_id()))
    old.sync()
    with company.hub.database.session(company.tenant_id) as session:
        heads = {head.stream: (head.no, head.hash) for head in session.scalars(select(FeedStream))}
    assert old.marks["t"] == heads["t"]
    perform(company.portal(), "products.update", {"product_id": next(iter(old.rows["product"])), "price_minor": 6_234})
    old.sync()  # its witnesses are believed, so it is sent what follows


def test_a_whole_entry_of_an_unknown_table_leaves_only_its_place(company, old):
    kla, jja = company.open_branch("KLA"), company.open_branch("JJA")
    kla.sync()
    till = open_till(kla.shop)
    kla.shop.do("handsets.send", to_shop_id=jja.shop.home.shop_id, unit_ids=[till.units[0]])
    kla.sync()
    old.sync()
    assert old.unknown == []
    assert "transfer" not in old.rows
    old.upgrade()
    (sent,) = at_hub(company, Transfer)
    assert old.rows["transfer"][sent.id]["number"] == sent.number


def test_after_its_upgrade_it_is_sent_what_was_withheld_and_nothing_else(company, old):
    kla = company.open_branch("KLA")
    till = open_till(kla.shop)
    shop_id = kla.shop.home.shop_id
    kla.shop.do("products.update", product_id=till.glass, only_shop_id=shop_id)
    kla.sync()
    old.sync()
    cursor = old.cursor
    assert "only_shop_id" not in old.rows["product"][till.glass]
    manifest = old.upgrade()
    assert old.rows["product"][till.glass]["only_shop_id"] == shop_id
    assert old.cursor == cursor
    assert manifest.since_schema == 1
    assert manifest.rows < 5
    kla.shop.do("products.update", product_id=till.charger, only_shop_id=shop_id)
    kla.sync()
    withheld = old.withheld
    old.sync()
    assert old.rows["product"][till.charger]["only_shop_id"] == shop_id
    assert old.withheld == withheld


def test_a_renamed_column_is_translated_at_the_hubs_door_and_nowhere_else(company, old, monkeypatch):
    def name_the_colour(entry):
        rows = [
            [entity, op, ["colour" if name == "paint" else name for name in columns], values]
            for entity, op, columns, values in entry["rows"]
        ]
        return {**entry, "rows": rows}

    monkeypatch.setitem(versions.UPCASTERS._steps, 1, name_the_colour)
    kla = company.open_branch("KLA")
    goods, phone = old.new_id(), old.new_id()
    old.columns = {**SCHEMA_1, "handset": (SCHEMA_1["handset"] - {"colour"}) | {"paint"}}
    old.write(product(old, goods, is_serialised=True))
    handset = ["id", "product_id", "imei1", "paint", "created_at"]
    old.write(["handset", "i", handset, [[phone, goods, "004401231000130", "black", old.now_ms()]]])
    before = list(old.hashes)
    monkeypatch.setattr(schemas, "column_since", lambda entity, name: 2 if name == "colour" else 1)
    schemas.forget_schemas()
    try:
        old.sync()
        kla.sync()
    finally:
        monkeypatch.undo()
        schemas.forget_schemas()
    assert at_hub(company, Handset, id=phone)[0].colour == "black"
    assert kla.shop.row(Handset, phone).colour == "black"
    assert old.rows["handset"][phone]["paint"] == "black"
    assert old.hashes == before
    assert old.unknown == []
    with company.hub.home(company.tenant_id).reading() as session:
        kept = session.execute(text("SELECT body FROM journal_entry WHERE body LIKE '%paint%'")).all()
    assert len(kept) == 1  # the inbox has it as it came


def test_an_edit_of_a_renamed_column_is_merged_under_its_name_of_today(company, old, monkeypatch):
    till = open_till(company.open_branch("KLA").shop)
    company.branches[0].sync()
    old.sync()

    def price_it(entry):
        rows = [
            [entity, op, ["price_minor" if name == "tag" else name for name in columns], values]
            for entity, op, columns, values in entry["rows"]
        ]
        return {**entry, "rows": rows}

    monkeypatch.setitem(versions.UPCASTERS._steps, 1, price_it)
    old.columns = {**SCHEMA_1, "product": SCHEMA_1["product"] | {"tag"}}
    old.write(["product", "u", ["id", "tag"], [[till.glass, [5_000, 5_500, old.cursor]]]])
    old.sync()
    company.branches[0].sync()
    assert company.branches[0].shop.row(Product, till.glass).price_minor == 5_500


def test_who_is_too_old_keeps_everything_and_is_told_to_upgrade(company, old, monkeypatch):
    monkeypatch.setattr("cloudhub.calls.exchange.check_versions", partial(check_versions, protocols=range(2, 4)))
    old.write(product(old, old.new_id()))
    with pytest.raises(Told) as told:
        old.sync()
    assert told.value.code == UpgradeNeeded.code
    assert told.value.facts["protocols"] == [2, 3]
    assert old.waiting() == 1
    monkeypatch.undo()
    old.sync()
    assert old.waiting() == 0


def test_who_is_newer_than_the_hub_waits_for_it(old):
    old.protocol, old.schema = 3, 3
    with pytest.raises(Told) as told:
        old.exchange()
    assert told.value.code == "hub_behind"


def test_a_protocol_1_answer_holds_nothing_that_protocol_1_did_not_know(company, old):
    seen = {}
    real = old.send

    def watched(method, target, headers, body):
        answer = real(method, target, headers, body)
        if target == "/sync/v1/exchange":
            from sync_protocol.canonical import parse_canonical
            from sync_protocol.compression import decompress

            seen.update(parse_canonical(decompress(answer.body, answer.header("content-encoding") or "identity")))
        return answer

    old.send = watched
    ask_for_new_key(company.hub.database, company.tenant_id, old.node, company.hub.clock.wall_ms())
    old.write(product(old, old.new_id()))
    old.exchange()
    known = {"epoch", "time", "next_poll_ms", "ack", "pull", "page_sig", "commands", "entitlement", "limits"}
    assert set(seen) <= known
    assert seen["commands"] == []
    old.protocol = 2
    old.exchange()
    assert seen["commands"] == [{"command": "rotate_key"}]


# the real node in the place of the older one


NEWER = SCHEMA_VERSION + 1


@pytest.fixture
def brand_is_new(monkeypatch):
    """The hub is one schema ahead, in which products got a brand; nodes are of today's."""
    real = schemas.column_since
    monkeypatch.setattr(schemas, "column_since", lambda entity, name: NEWER if name == "brand" else real(entity, name))
    monkeypatch.setattr("cloudhub.merge.pages.SCHEMA_VERSION", NEWER)
    for call in ("exchange", "snapshot", "digest"):
        monkeypatch.setattr(f"cloudhub.calls.{call}.check_versions", lambda protocol, schema: None)
    schemas.forget_schemas()
    yield
    monkeypatch.undo()
    schemas.forget_schemas()


def upgrade(monkeypatch):
    """From here on nodes are of the newer schema."""
    for module in ("bootstrap", "exchange", "digest"):
        monkeypatch.setattr(f"shopnode.sync.{module}.SCHEMA_VERSION", NEWER)


def brand_it(company, product_id, brand):
    perform(company.portal(), "products.update", {"product_id": product_id, "brand": brand})


def test_a_node_of_this_release_takes_withheld_pages_and_catches_up_by_itself(company, brand_is_new, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    brand_it(company, till.glass, "Spigen")
    branch.sync()
    assert branch.shop.row(Product, till.glass).brand is None
    assert compare(branch.worker._signed_line()).is_whole  # of what its version knows
    cursor = seen(branch)
    upgrade(monkeypatch)
    branch.sync()
    assert branch.shop.row(Product, till.glass).brand == "Spigen"
    assert seen(branch) == cursor
    with branch.shop.home.reading() as session:
        assert session.scalars(select(HubLink.schema)).one() == NEWER
        assert session.scalars(select(FeedLine).where(FeedLine.body.like('%"hash":%'))).all()
    assert compare(branch.worker._signed_line()).is_whole


def test_what_was_read_never_goes_back_to_an_older_value(company, brand_is_new, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    brand_it(company, till.glass, "First")
    brand_it(company, till.glass, "Second")
    upgrade(monkeypatch)
    monkeypatch.setattr("cloudhub.merge.pages.LINES_MAX", 1)
    shown = []
    branch.worker._exchange()
    shown.append(branch.shop.row(Product, till.glass).brand)
    while branch.worker._exchange().more:
        shown.append(branch.shop.row(Product, till.glass).brand)
    assert set(shown) == {"Second"}
    assert branch.shop.row(Product, till.glass).brand == "Second"
    assert compare(branch.worker._signed_line()).is_whole


def test_an_edit_made_since_the_upgrade_is_not_overwritten_by_what_was_withheld(company, brand_is_new, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    brand_it(company, till.glass, "Hub's")
    branch.sync()
    upgrade(monkeypatch)
    branch.shop.do("products.update", product_id=till.glass, brand="Mine")
    branch.worker._exchange()
    assert branch.shop.row(Product, till.glass).brand == "Mine"
    branch.sync()
    (standing,) = at_hub(company, Product, id=till.glass)
    assert branch.shop.row(Product, till.glass).brand == standing.brand
    assert compare(branch.worker._signed_line()).is_whole


def test_selling_goes_on_while_what_was_withheld_is_missing(company, brand_is_new, monkeypatch):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    upgrade(monkeypatch)
    branch.line.cut()
    till.sell()
    branch.line.heal()
    branch.sync()
    assert len(at_hub(company, Sale)) == 1


def seen(branch):
    with branch.shop.home.reading() as session:
        return session.scalars(select(Installation.seen)).one()
