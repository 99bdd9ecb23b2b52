"""A phone and goods change shop by a signed file while both ends are offline; custody is right when both sync later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shopnode.domain.handsets.models import StockUnit, Transfer, TransferLine
from shopnode.domain.handsets.queries import find_unit_by_number
from shopnode.domain.node import FieldState
from shopnode.domain.stock.models import TransferItem
from shopnode.sync import manifests
from shopnode.sync.digest import compare
from shopnode.sync.manifests import WORDS, NotAManifest, load_manifest, manifest_file, own_key
from sync_protocol.canonical import canonical
from sync_protocol.keys import public_text, read_private, sign
from tests.domain.till import IMEIS, Till, open_till
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.test_transfers import UNIT, at_hub, levels, sell_phone, told, transit

Road = tuple[Company, Branch, Branch, Till, str]


@pytest.fixture
def road(company: Company) -> Road:
    """Kampala with two phones and cables, Jinja with nothing; Jinja knows Kampala's key, and the internet is gone."""
    kampala, jinja = company.open_branch("KLA"), company.open_branch("JJA")
    till = open_till(kampala.shop)
    cable = kampala.shop.do("products.create", name="Cable", category="Accessories", price_minor=8_000)["id"]
    kampala.shop.do("stock.adjust", product_id=cable, quantity=10, reason="opening stock")
    with kampala.shop.home.reading() as session:
        key = own_key(session)
    kampala.shop.do("transfers.tell_key", public_key=key)
    kampala.sync()
    jinja.sync()
    kampala.line.cut()
    jinja.line.cut()
    return company, kampala, jinja, till, cable


def sent(kampala: Branch, jinja: Branch, till: Till, cable: str) -> tuple[str, bytes]:
    """A transfer of a phone and four cables, and its file."""
    form = {"to_shop_id": jinja.shop.home.shop_id, "unit_ids": [till.units[UNIT]],
            "items": [{"product_id": cable, "quantity": 4}]}  # fmt: skip
    transfer_id = kampala.shop.do("transfers.send", form)["transfer_id"]
    return transfer_id, file_of(kampala, transfer_id)


def file_of(branch: Branch, transfer_id: str) -> bytes:
    with branch.shop.home.reading() as session:
        return manifest_file(session, branch.shop.home, transfer_id)  # type: ignore[arg-type]


def load(branch: Branch, file: bytes) -> manifests.Loaded:
    return load_manifest(branch.shop.home, file)  # type: ignore[arg-type]


def receive(jinja: Branch, transfer_id: str, till: Till) -> None:
    (item,) = jinja.shop.rows(TransferItem)
    form = {"transfer_id": transfer_id, "unit_ids": [till.units[UNIT]], "items": [{"item_id": item.id, "quantity": 4}]}
    jinja.shop.do("transfers.receive", form)


def both_online(kampala: Branch, jinja: Branch) -> None:
    for branch in (kampala, jinja):
        branch.line.heal()


@pytest.mark.parametrize("first", ["receiver", "sender"])
def test_a_transfer_is_received_by_its_file_and_sold_though_nobody_had_internet(road: Road, first: str) -> None:
    company, kampala, jinja, till, cable = road
    transfer_id, file = sent(kampala, jinja, till, cable)
    assert load(jinja, file).fresh == 3  # the transfer, its phone's line, its goods: the rest was known
    assert transit(jinja) == [IMEIS[UNIT]]
    receive(jinja, transfer_id, till)
    jinja.shop.do("cash.open_drawer", opening_float=0)
    sell_phone(jinja, till)

    both_online(kampala, jinja)
    for branch in (jinja, kampala, jinja, kampala) if first == "receiver" else (kampala, jinja, kampala, jinja):
        branch.sync()

    assert transit(kampala) == transit(jinja) == []
    assert (levels(kampala)[cable], levels(jinja)[cable]) == (6, 4)
    assert (levels(kampala)[till.phone], levels(jinja)[till.phone]) == (1, 0)
    assert sorted(unit.status for unit in at_hub(company, StockUnit)) == ["in_stock", "sent", "sold"]
    assert len(at_hub(company, Transfer)) == len(at_hub(company, TransferLine)) == 1
    assert told(company) == {}
    for branch in (kampala, jinja):
        assert compare(branch.worker._signed_line()).is_whole


def test_a_phone_and_a_model_that_only_the_sender_knew_come_with_the_file(road: Road) -> None:
    company, kampala, jinja, _till, _ = road
    new = kampala.shop.do("products.create", name="Itel A70", category="Phones", price_minor=300_000,
                          is_serialised=True)["id"]  # fmt: skip
    unit = kampala.shop.do("handsets.receive", product_id=new, imei1="356938035643809", cost_minor=250_000)["unit_id"]
    form = {"to_shop_id": jinja.shop.home.shop_id, "unit_ids": [unit]}
    transfer_id = kampala.shop.do("handsets.send", form)["transfer_id"]
    load(jinja, file_of(kampala, transfer_id))
    jinja.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[unit])
    with jinja.shop.reading() as ctx:
        found = find_unit_by_number(ctx, "356938035643809")
        assert (found.product_name, found.price_minor, found.status.value) == ("Itel A70", 300_000, "in_stock")

    both_online(kampala, jinja)
    for branch in (jinja, kampala, jinja, kampala):
        branch.sync()
    assert (levels(kampala)[new], levels(jinja)[new]) == (0, 1)
    assert told(company) == {}
    kampala.shop.do("products.update", product_id=new, price_minor=290_000)
    kampala.sync()
    jinja.sync()
    with jinja.shop.reading() as ctx:
        assert find_unit_by_number(ctx, "356938035643809").price_minor == 290_000


def test_loading_alone_receives_nothing_and_journals_nothing(road: Road) -> None:
    _, kampala, jinja, till, cable = road
    _, file = sent(kampala, jinja, till, cable)
    before = len(jinja.shop.entries())
    load(jinja, file)

    assert len(jinja.shop.entries()) == before
    assert cable not in levels(jinja) and till.phone not in levels(jinja)


def test_a_file_loaded_again_or_after_its_line_changes_nothing(road: Road) -> None:
    company, kampala, jinja, till, cable = road
    transfer_id, file = sent(kampala, jinja, till, cable)
    load(jinja, file)
    receive(jinja, transfer_id, till)
    assert load(jinja, file).fresh == 0
    both_online(kampala, jinja)
    for branch in (kampala, jinja, kampala):
        branch.sync()
    assert load(jinja, file).fresh == 0
    assert levels(jinja)[cable] == 4 and transit(jinja) == []
    assert told(company) == {}


def changed(file: bytes, change: Callable[[dict[str, Any]], None], key: bytes | None = None) -> bytes:
    """The file with something else in it; signed anew where a key is given."""
    whole = orjson.loads(file)
    change(whole["manifest"])
    if key is not None:
        whole["manifest"]["key"] = public_text(read_private(key))
        whole["sig"] = sign(read_private(key), WORDS + canonical(whole["manifest"]))
    return canonical(whole)


def more_cables(body: dict[str, Any]) -> None:
    (block,) = [block for block in body["rows"] if block[0] == "transfer_item"]
    block[3][0][block[2].index("quantity")] = 400


def refused(branch: Branch, file: bytes) -> str:
    with pytest.raises(NotAManifest) as told_why:
        load(branch, file)
    assert branch.shop.rows(Transfer) == []
    assert [row for row in branch.shop.rows(FieldState) if row.field == manifests.EARLY] == []
    return str(told_why.value)


def test_what_was_changed_is_for_another_shop_or_by_a_stranger_is_refused(road: Road) -> None:
    _company, kampala, jinja, till, cable = road
    _, file = sent(kampala, jinja, till, cable)
    elsewhere = str(kampala.shop.home.shop_id)

    assert "changed after it was signed" in refused(jinja, changed(file, more_cables))
    assert "not known here" in refused(jinja, changed(file, more_cables, key=bytes(range(32))))
    assert "another shop" in refused(jinja, changed(file, lambda body: body.update(to=elsewhere)))
    assert "newer version" in refused(jinja, changed(file, lambda body: body.update(schema=99)))
    for broken in (b"", b"{}", b"[]", file[:-20], file + b" ", b'{"manifest":{},"sig":""}', b"x" * 2_000_000):
        refused(jinja, broken)
    with pytest.raises(NotAManifest, match="another shop"):
        load(kampala, file)


def test_a_shops_key_signs_for_no_other_shop(road: Road) -> None:
    """Jinja's own key is known, too; it does not make a transfer of Kampala."""
    _, kampala, jinja, till, cable = road
    _, file = sent(kampala, jinja, till, cable)
    with jinja.shop.home.reading() as session:
        link = manifests.read_link(session)
        jinja.shop.do("transfers.tell_key", public_key=own_key(session))
    assert link is not None
    assert "not known here" in refused(jinja, changed(file, more_cables, key=link.key.private_bytes_raw()))


def test_an_earlier_key_of_the_shop_is_still_believed_and_the_fourth_is_forgotten(road: Road) -> None:
    _, kampala, jinja, till, cable = road
    _, file = sent(kampala, jinja, till, cable)
    both_online(kampala, jinja)
    for number in (1, 2):
        kampala.shop.do("transfers.tell_key", public_key=public_text(read_private(bytes([number] * 32))))
    kampala.worker.run_once()
    jinja.sync()
    load(jinja, file)
    kampala.shop.do("transfers.tell_key", public_key=public_text(read_private(bytes([3] * 32))))
    kampala.sync()
    jinja.sync()
    with pytest.raises(NotAManifest, match="not known here"):
        load(jinja, file)


def test_a_manifest_of_an_older_schema_is_taken_without_what_it_did_not_know(road: Road) -> None:
    _, kampala, jinja, till, cable = road
    _, file = sent(kampala, jinja, till, cable)
    with kampala.shop.home.reading() as session:
        link = manifests.read_link(session)
    assert link is not None

    def older(body: dict[str, Any]) -> None:
        body["schema"] = 2
        body["rows"] = [block for block in body["rows"] if block[0] != "transfer_item"]
        (lines,) = [block for block in body["rows"] if block[0] == "transfer_line"]
        kept = [place for place, name in enumerate(lines[2]) if name not in ("notes", "price_minor", "battery_pct")]
        lines[2] = [lines[2][place] for place in kept]
        lines[3] = [[row[place] for place in kept] for row in lines[3]]

    load(jinja, changed(file, older, key=link.key.private_bytes_raw()))
    assert transit(jinja) == [IMEIS[UNIT]]
