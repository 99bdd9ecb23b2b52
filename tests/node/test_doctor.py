"""The doctor: each kind of damage to the books is named by the check that is there for it."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.devices.fake_printer import FakePrinter
from shopnode.machine.doctor import CHECKS
from tests.node.conftest import ShopOnDisk
from tests.node.test_opening import PAGE_BYTES, flip

NOW = "(SELECT latest_ms FROM installation)"


def check_of(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in found["checks"] if check["name"] == name)


def test_a_shop_that_has_traded_is_healthy(shop: ShopOnDisk) -> None:
    found = shop.document("doctor")
    assert found["ok"]
    assert [check["name"] for check in found["checks"]] == list(CHECKS)
    assert {check["colour"] for check in found["checks"]} == {"green"}
    assert check_of(found, "numbers")["figures"]["last"] == check_of(found, "sales")["figures"]["sales"] >= 25


def test_every_check_has_its_words() -> None:
    assert all(check.__doc__ for check in CHECKS.values())


@pytest.mark.parametrize(
    ("name", "statements", "words"),
    [
        ("chain", ["UPDATE journal_entry SET body = replace(body, '\"n\":9,', '\"n\":9 ,') WHERE n = 9"],
         "entry 9 is not"),
        ("chain", ["UPDATE journal_entry SET actor_id = NULL WHERE n = "
                   "(SELECT max(n) FROM journal_entry WHERE actor_id IS NOT NULL)"],
         "is listed otherwise than it was recorded: who did it"),
        ("chain", ["DELETE FROM journal_entry WHERE n = 12"], "entries 12 to 12 are missing"),
        ("chain", ["DELETE FROM journal_entry WHERE n = (SELECT max(n) FROM journal_entry)"], "the journal ends at"),
        ("chain", ["UPDATE installation SET head_n = head_n - 1"], "entries were recorded"),
        ("rows", ["UPDATE payment SET amount_minor = amount_minor - 1000 WHERE id = (SELECT min(id) FROM payment)"],
         "was changed: amount_minor"),
        ("rows", ["DELETE FROM payment WHERE id = (SELECT min(id) FROM payment)"], "is missing"),
        ("rows", ["UPDATE sale SET number = 'TST1-009999' WHERE number = 'TST1-000003'"], "was changed: number"),
        ("stock", ["UPDATE stock_level SET on_hand = on_hand + 1 WHERE rowid = (SELECT min(rowid) FROM stock_level)"],
         "level"),
        ("units", ["UPDATE stock_unit SET status = 'sold' WHERE id = "
                   "(SELECT min(id) FROM stock_unit WHERE status = 'in_stock')"], "phones, level"),
        ("drawers", ["UPDATE drawer_session SET expected_minor = expected_minor - 500 WHERE closed_at IS NOT NULL"],
         "its events say"),
        ("sales", ["UPDATE sale_summary SET paid_minor = paid_minor + 1 WHERE number = 'TST1-000002'"],
         "sale TST1-000002"),
        ("sales", ["UPDATE sale_summary SET total_minor = total_minor + 1 WHERE number = 'TST1-000004'"],
         "its lines say"),
        ("numbers", ["UPDATE counter SET value = value + 1 WHERE series = 'TST1'"], "is missing"),
        ("numbers", ["UPDATE sale SET number = 'TST1-000003' WHERE number = 'TST1-000004'"], "given 2 times"),
    ],
)  # fmt: skip
def test_damage_is_named_by_its_check(shop: ShopOnDisk, name: str, statements: list[str], words: str) -> None:
    shop.tamper(*statements)
    found = shop.document("doctor", code=1)
    check = check_of(found, name)
    assert not found["ok"]
    assert not check["ok"] and check["colour"] == "red"
    assert words in check["message"]


def test_a_damaged_page_and_a_missing_key_are_findings_too(shop: ShopOnDisk) -> None:
    flip(shop.folder.database, 3 * PAGE_BYTES)
    found = shop.document("doctor", code=1)
    assert found["checks"][0]["name"] == "integrity"
    assert "damaged" in found["checks"][0]["message"]
    shop.keyring.path.unlink()
    assert "missing" in shop.document("doctor", code=1)["checks"][0]["message"]


def test_a_wrong_clock_is_amber_and_not_red(shop: ShopOnDisk) -> None:
    shop.tamper(f"UPDATE installation SET latest_ms = {NOW} + 7200000 + 3600000")
    found = shop.document("doctor")
    assert check_of(found, "clock")["colour"] == "amber"
    assert "behind the last entry" in check_of(found, "clock")["message"]


def test_a_printer_that_is_off_is_amber(shop: ShopOnDisk) -> None:
    printer = FakePrinter().turn_on()
    try:
        add_printer(shop, printer.port)
        assert check_of(shop.document("doctor"), "printer")["message"] == "The printer is ready."
        printer.paper = "out"
        out = check_of(shop.document("doctor"), "printer")
        assert (out["colour"], "paper" in out["message"]) == ("amber", True)
    finally:
        printer.turn_off()
    assert check_of(shop.document("doctor"), "printer")["colour"] == "amber"


def add_printer(shop: ShopOnDisk, port: int) -> None:
    from shopnode.domain.demo import add_demo_printer
    from shopnode.machine.runtime import Node

    with Node.open(shop.path) as node:
        add_demo_printer(node.home, f"127.0.0.1:{port}")


def test_the_words_for_people_end_with_the_verdict(shop: ShopOnDisk) -> None:
    assert shop.run("doctor").stdout.rstrip().endswith("The shop is healthy.")
    shop.tamper("UPDATE counter SET value = value + 1 WHERE series = 'TST1'")
    told = shop.run("doctor")
    assert told.exit_code == 1
    assert "✗ numbers" in told.stdout
    assert "NOT healthy" in told.stdout
