"""The journal over the API: searched, read, verified and taken out, and only by those who may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shopnode.cli import main
from shopnode.domain.audit.actions import EXPORT_JOURNAL
from shopnode.domain.audit.search import MASK
from tests.api.client import Client
from tests.api.goods import CABLE, NOBODY, open_for_business, sale_of
from tests.hub.world import PASSWORD, World
from tests.shop import Shop


@pytest.fixture
def sold(owner: Client, staff: Client) -> dict[str, Any]:
    """A cable that Aisha sold."""
    return staff.post("/sales", sale_of(open_for_business(owner)))  # type: ignore[no-any-return]


def test_the_journal_is_searched(owner: Client, sold: dict[str, Any], shop: Shop) -> None:
    (entry,) = owner.get(f"/audit-logs?entity_id={sold['id']}")["items"]
    assert (entry["action"], entry["user_name"], entry["entity_type"]) == ("sales.sell", "Aisha", "sale")
    assert entry["summary"].endswith(".")
    for query, count in [
        (f"user_id={shop.cashier.id}", 1), ("action=sales", 1), ("action=sales.sell&entity_type=sale", 1),
        ("entity_type=customer", 0), ("date_from=2026-09-21&entity_type=sale", 1), ("date_to=2026-09-20", 0),
        (f"shop_id={NOBODY}", 0), (f"shop_id={NOBODY}&entity_id={sold['id']}", 0),
        (f"shop_id={shop.home.shop_id}&entity_type=sale", 1), ("limit=2", 2),
    ]:  # fmt: skip
        assert len(owner.get(f"/audit-logs?{query}")["items"]) == count, query
    owner.get("/audit-logs?date_from=2026-09-22&date_to=2026-09-21", 422)
    owner.get("/audit-logs?cursor=x", 422)


def test_an_entry_is_shown_before_and_after(owner: Client, sold: dict[str, Any]) -> None:
    product = sold["items"][0]["product_id"]
    owner.put(f"/products/{product}", {"selling_price": 9_000})
    newest = owner.get(f"/audit-logs?entity_id={product}&action=products.update")["items"][0]

    (change,) = owner.get(f"/audit-logs/{newest['id']}")["changes"]

    assert change["fields"] == [{"field": "price_minor", "old_value": 8_000, "new_value": 9_000, "is_personal": False}]
    owner.get(f"/audit-logs/{NOBODY}", 404)


def test_rule_91_personal_values_are_told_to_be_there_and_not_what_they_are(owner: Client) -> None:
    made = owner.post("/customers", {"name": "Asha Nakato", "phone": "0772 123 456"})
    (entry,) = owner.get(f"/audit-logs?entity_id={made['id']}")["items"]
    fields = {one["field"]: one for one in owner.get(f"/audit-logs/{entry['id']}")["changes"][0]["fields"]}
    assert (fields["name"]["new_value"], fields["name"]["is_personal"]) == (MASK, True)


def test_a_receipts_proof_is_the_entrys_code(owner: Client, sold: dict[str, Any], shop: Shop) -> None:
    from shopnode.receipts import receipt_of_sale

    (entry,) = owner.get(f"/audit-logs?entity_id={sold['id']}")["items"]
    with shop.reading() as ctx:
        assert receipt_of_sale(ctx, sold["id"]).chain_code == entry["code"]


def test_the_chain_is_verified_over_the_api(owner: Client, sold: dict[str, Any]) -> None:
    (chain,) = owner.get("/audit-chains")["items"]
    found = owner.get(f"/audit-chains/{chain['origin_id']}")
    assert (found["is_whole"], found["breaks"], found["verified"]) == (True, [], chain["entries"])
    owner.get(f"/audit-chains/{NOBODY}", 404)
    owner.get(f"/audit-chains/{NOBODY}/journal", 404)


def test_rule_92_who_takes_the_journal_out_is_written_down(owner: Client, sold: dict[str, Any], tmp_path: Path) -> None:
    (chain,) = owner.get("/audit-chains")["items"]
    taken = owner.call("GET", f"/audit-chains/{chain['origin_id']}/journal")
    file = tmp_path / "journal.tsv"
    file.write_bytes(taken.get_data())
    assert f"journal-KLA1-{chain['entries']}.tsv" in taken.headers["Content-Disposition"]
    assert int(taken.headers["Content-Length"]) == len(taken.get_data())

    whole = CliRunner().invoke(main, ["verify", str(file), "--head", chain["head"]])
    file.write_text(file.read_text(encoding="utf-8").replace("8000", "7000"), encoding="utf-8")
    broken = CliRunner().invoke(main, ["verify", str(file)])

    assert (whole.exit_code, broken.exit_code) == (0, 1), whole.output
    assert "each follows from the one before it" in whole.output
    (entry,) = owner.get(f"/audit-logs?action={EXPORT_JOURNAL}")["items"]
    assert (entry["user_name"], entry["entity_id"]) == ("Sarah", chain["origin_id"])


def test_rule_92_the_list_is_a_file_too(owner: Client, sold: dict[str, Any]) -> None:
    lines = owner.call("GET", "/audit-logs?entity_type=sale&format=csv").get_data(as_text=True).splitlines()
    assert lines[0].startswith("\ufeffid,action,") or lines[0].startswith("id,action,")
    assert len(lines) == 2
    assert owner.get("/audit-logs?action=lists.export")["items"][0]["user_name"] == "Sarah"


def test_the_portal_reads_all_shops_and_no_other_business(world: World) -> None:
    node = world.enrol("KLA")
    cable = node.do("products.create", name=CABLE["name"], category="Accessories", price_minor=8_000)["id"]
    node.sync()
    anybody = Client(world.app)

    def signed_in(email: str) -> Client:
        tokens = anybody.post("/auth/login", {"email": email, "password": PASSWORD}, 200)
        return Client(world.app, token=tokens["access_token"])

    sarah, mallory = signed_in("sarah@kisura.example"), signed_in("mallory@other.example")
    (entry,) = sarah.get(f"/audit-logs?entity_id={cable}")["items"]
    chains = {chain["series"]: chain for chain in sarah.get("/audit-chains")["items"]}
    assert (entry["shop_name"], set(chains)) == ("Shop KLA", {"", "KLA1"})
    for chain in chains.values():
        assert sarah.get(f"/audit-chains/{chain['origin_id']}")["is_whole"]
        assert sarah.call("GET", f"/audit-chains/{chain['origin_id']}/journal").status_code == 200
        mallory.get(f"/audit-chains/{chain['origin_id']}", 404)
        mallory.get(f"/audit-chains/{chain['origin_id']}/journal", 404)
    mallory.get(f"/audit-logs/{entry['id']}", 404)
    assert mallory.get(f"/audit-logs?entity_id={cable}")["items"] == []
    assert [chain["series"] for chain in mallory.get("/audit-chains")["items"]] == [""]
