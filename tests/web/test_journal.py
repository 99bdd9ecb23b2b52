"""The journal, its proof and what to ask about, on the office's screens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.domain.till import Till, open_till
from tests.hub.world import Node
from tests.shop import Shop
from tests.web.conftest import HTMX, Browser, Owner, words


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def renamed(till: Till) -> str:
    """A product whose price was changed, and a sale that was voided late."""
    sale = till.sell({"product_id": till.glass}, pay=[{"method": "cash", "amount": 5_000}]).result["sale_id"]
    till.shop.clock.advance(5 * 60_000)
    till.shop.do("sales.void", sale_id=sale, reason="customer <b>left</b>", restock="resell")
    till.shop.do("products.update", product_id=till.glass, price_minor=6_500, name="Glass <9H>")
    return till.glass


def test_the_journal_tells_what_was_done_and_is_narrowed(sarah: Browser, renamed: str, shop: Shop) -> None:
    told = words(sarah.get("/audit-logs"))
    assert "sales.void" in told and "products.update" in told and "Sarah" in told
    assert "products.update" not in words(sarah.get("/audit-logs?area=sales", htmx=True))
    assert "Nothing was done" in words(sarah.get(f"/audit-logs?actor_id={shop.supervisor.id}", htmx=True))
    assert "Nothing was done" in words(sarah.get("/audit-logs?period=yesterday", htmx=True))
    history = words(sarah.get(f"/audit-logs?record={renamed}"))
    assert "History of a record" in history and "products.update" in history and "sales.void" not in history


def test_an_entry_shows_old_and_new_and_nothing_of_it_is_markup(sarah: Browser, renamed: str, shop: Shop) -> None:
    entry = next(entry for entry in shop.entries() if entry.action == "products.update")
    page = sarah.get(f"/audit-logs/{entry.entry_id}")
    told = words(page)
    assert "5,000 → 6,500" in told and "Glass &lt;9H&gt;" in told and "192.168.1.20" in told
    assert "<9H>" not in page.get_data(as_text=True)
    assert sarah.get(f"/audit-logs/{shop.home.origin_id}").status_code == 404


def test_an_entry_names_shops_people_and_instants_instead_of_their_ids(
    sarah: Browser, renamed: str, shop: Shop, till: Till
) -> None:
    sold = next(entry for entry in shop.entries() if entry.action == "sales.sell")
    told = words(sarah.get(f"/audit-logs/{sold.entry_id}"))
    assert "Shop Kampala Road" in told and shop.home.shop_id not in told
    assert shop.cashier.name in told and str(shop.cashier.id) not in told
    assert f"…{renamed[-8:]}" in told and renamed not in told


def test_a_record_leads_to_its_history_for_those_who_may_read_the_journal(
    sarah: Browser, aisha: Browser, renamed: str, shop: Shop
) -> None:
    customer = shop.do("customers.create", name="Nakato")["id"]
    for path, record in ((f"/products/{renamed}", renamed), (f"/customers/{customer}", customer)):
        assert f"/audit-logs?record={record}" in sarah.get(path).get_data(as_text=True)
        assert "/audit-logs" not in aisha.get(path).get_data(as_text=True)


def test_the_proof_is_checked_on_the_screen(sarah: Browser, renamed: str, shop: Shop) -> None:
    assert "KLA1" in words(sarah.get("/audit-chains"))
    address = f"/audit-chains/{shop.home.origin_id}"
    assert "follow from one another" in words(sarah.client.get(address, headers=HTMX))
    with shop.home.database.writing() as session:  # type: ignore[attr-defined]
        session.execute(text("UPDATE journal_entry SET body = replace(body, '6500', '9500')"))
    told = words(sarah.get(address))
    assert "Not whole after entry" in told and "was changed" in told


def test_a_journal_is_taken_out_with_the_script_that_checks_it(
    sarah: Browser, renamed: str, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "journal").write_bytes(sarah.get(f"/audit-chains/{shop.home.origin_id}/journal").get_data())
    (tmp_path / "check.py").write_bytes(sarah.get("/audit-chains/verify_journal.py").get_data())

    command = [sys.executable, "-I", "-S", str(tmp_path / "check.py"), str(tmp_path / "journal")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.entries()[-1].action == "journal.export"


def test_what_to_ask_about_stands_under_its_rule(sarah: Browser, renamed: str) -> None:
    told = words(sarah.get("/fraud-signals"))
    assert "was voided 5 minutes after it was sold" in told
    assert "customer &lt;b&gt;left&lt;/b&gt;" in told
    assert told.index("Voids after the receipt was printed 1 found") < told.index("Prices below cost None")
    assert "1 found" not in words(sarah.get("/fraud-signals?kind=below_cost", htmx=True))
    assert "1 found" not in words(sarah.get("/fraud-signals?period=yesterday", htmx=True))


def test_only_owners_look(brian: Browser, aisha: Browser, shop: Shop) -> None:
    for browser in (brian, aisha):
        for path in ("/audit-logs", "/audit-chains", f"/audit-chains/{shop.home.origin_id}/journal", "/fraud-signals"):
            assert browser.get(path).status_code == 403, path


def test_the_portal_shows_all_shops(joined: Node, owner: Owner) -> None:
    joined.do("products.create", name="Cable", category="Accessories", price_minor=8_000)
    joined.sync()
    assert "Shop KLA" in words(owner.get("/audit-logs"))
    told = words(owner.get("/audit-chains"))
    assert "KLA1" in told and "The portal" in told
    assert "follow from one another" in words(owner.get(f"/audit-chains/{joined.home.origin_id}"))
    assert owner.get("/fraud-signals").status_code == 200
