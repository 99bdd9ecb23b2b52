"""The valuation table and the blocked numbers: the same in a shop and in the portal."""

from __future__ import annotations

import io
from typing import Any

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.usedphones.blocking import block_view, list_blocked
from shopnode.domain.usedphones.imports import import_valuations
from shopnode.domain.usedphones.models import BlockedNumber, Valuation
from shopnode.domain.usedphones.valuations import list_valuations, table_value
from tests.shop import Shop

IMEI = "004401251000390"


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    return anywhere


def phone(shop: Shop, name: str = "iPhone 11", **more: Any) -> str:
    form = {"name": name, "category": "Phones", "price_minor": 740_000, "is_serialised": True, **more}
    made: str = shop.do("products.create", form)["id"]
    return made


def value(shop: Shop, product_id: str, storage: str | None, grade: str) -> int | None:
    with shop.reading() as ctx:
        return table_value(ctx.session, product_id, storage, grade)


# --- the table (rule 16)


def test_a_line_of_the_table_is_set_changed_and_archived(shop: Shop) -> None:
    model = phone(shop)
    line = shop.do("usedphones.set_valuation", product_id=model, storage="64 gb", grade="a", offer=500_000)["id"]
    assert value(shop, model, "64", "A") == 500_000
    assert shop.changes("valuation")[-1].fields["storage"] == "64GB"

    again = shop.do("usedphones.set_valuation", product_id=model, storage="64GB", grade="A", offer=480_000)["id"]
    assert (again, value(shop, model, "64GB", "A"), len(shop.rows(Valuation))) == (line, 480_000, 1)

    shop.do("usedphones.archive_valuation", valuation_id=line)
    assert value(shop, model, "64GB", "A") is None
    shop.do("usedphones.set_valuation", product_id=model, storage="64GB", grade="A", offer=470_000)
    assert value(shop, model, "64GB", "A") == 470_000


def test_the_table_of_a_duplicate_counts_for_the_product_that_is_kept(shop: Shop) -> None:
    kept, double = phone(shop), phone(shop, "Iphone eleven")
    shop.do("usedphones.set_valuation", product_id=double, grade="A", offer=450_000)
    shop.do("usedphones.set_valuation", product_id=double, grade="B", offer=400_000)
    shop.do("usedphones.set_valuation", product_id=kept, grade="B", offer=410_000)
    shop.do("products.merge", into_id=kept, duplicate_id=double)
    assert (value(shop, kept, None, "A"), value(shop, kept, None, "B")) == (450_000, 410_000)


def test_only_what_is_sold_by_imei_stands_in_the_table(shop: Shop) -> None:
    case = phone(shop, "Case", is_serialised=False)
    with pytest.raises(Invalid, match="not counted by IMEI"):
        shop.do("usedphones.set_valuation", product_id=case, grade="A", offer=1)
    for wrong in ({"grade": "Z"}, {"offer": -1}, {"grade": ""}):
        with pytest.raises(Invalid):
            shop.do("usedphones.set_valuation", {"product_id": phone(shop, "X"), "grade": "A", "offer": 1, **wrong})


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.STAFF])
def test_the_owner_alone_writes_the_table(shop: Shop, role: Role) -> None:
    with pytest.raises(NotPermitted):
        shop.do("usedphones.set_valuation", product_id=phone(shop), grade="A", offer=1, role=role)


def test_the_table_is_listed_page_by_page(shop: Shop) -> None:
    first, second = phone(shop, "iPhone 11"), phone(shop, "galaxy S10")
    for model, storage, grade in [(first, None, "B"), (first, "64GB", "A"), (second, None, "A"), (first, None, "A")]:
        shop.do("usedphones.set_valuation", product_id=model, storage=storage, grade=grade, offer=1)
    found, cursor = [], None
    with shop.reading(Role.STAFF) as ctx:
        for _ in range(4):
            page = list_valuations(ctx, limit=1, cursor=cursor)
            found += [(view.product_name, view.storage, view.grade) for view in page.rows]
            cursor = page.next_cursor
        assert cursor is None
        assert len(list_valuations(ctx, product_id=second).rows) == 1
        assert list_valuations(ctx, archived=True).rows == []
    assert found == [
        ("galaxy S10", None, "A"), ("iPhone 11", None, "A"), ("iPhone 11", None, "B"), ("iPhone 11", "64GB", "A"),
    ]  # fmt: skip


SHEET = """Model;Storage;Grade;We pay
iPhone 11;64 GB;A;500,000
iphone 11;;b;UGX 400,000
IP11;128;A;550000

Nokia 3310;;A;10,000
iPhone 11;;Z;nothing
iPhone 11;64GB;a;1
"""


def test_the_table_is_read_from_a_spreadsheet(shop: Shop) -> None:
    model = phone(shop, sku="IP11")

    def read(text: str = SHEET, dry_run: bool = False) -> list[str]:
        return [
            line.verdict.value for line in import_valuations(shop.ctx(), io.BytesIO(text.encode()), dry_run=dry_run)
        ]

    assert read(dry_run=True) == ["new", "new", "new", "skipped", "wrong", "wrong", "wrong"]
    assert shop.rows(Valuation) == []
    assert read() == ["new", "new", "new", "skipped", "wrong", "wrong", "wrong"]
    assert [value(shop, model, storage, "A") for storage in ("64", "128GB")] == [500_000, 550_000]
    assert value(shop, model, "256GB", "B") == 400_000
    assert read() == ["unchanged", "unchanged", "unchanged", "skipped", "wrong", "wrong", "wrong"]
    (changed,) = import_valuations(shop.ctx(), io.BytesIO(b"Model,Grade,Offer\nIP11,B,390000\n"))
    assert changed.says == ("Offer: 400,000 → 390,000.",)


def test_what_is_wrong_in_a_spreadsheet_is_said_by_column(shop: Shop) -> None:
    phone(shop)
    lines = list(import_valuations(shop.ctx(), io.BytesIO(SHEET.encode()), dry_run=True))
    assert "Model is no phone of the catalogue" in lines[4].says[0]
    assert {says.split()[0] for says in lines[5].says} == {"Grade", "We"}
    assert "stands on line 2 already" in lines[6].says[0]
    with pytest.raises(NotPermitted):
        import_valuations(shop.ctx(Role.STAFF), io.BytesIO(SHEET.encode()))
    with pytest.raises(Invalid, match="no column for"):
        import_valuations(shop.ctx(), io.BytesIO(b"Model,Price\n"))


# --- blocked numbers (rule 14)


def test_a_number_is_blocked_once_and_lifted(shop: Shop) -> None:
    form = {"number": "00-440125-100039-0", "reason": "reported stolen"}
    first = shop.do("usedphones.block_number", form, role=Role.SUPERVISOR)
    assert first["number"] == IMEI
    again = shop.do("usedphones.block_number", number=IMEI, reason="reported stolen, CRB 12/2026")
    (row,) = shop.rows(BlockedNumber)
    assert (first["id"], again["id"]) == (row.id, row.id)
    assert (row.reason, row.created_by) == ("reported stolen, CRB 12/2026", shop.owner.id)

    shop.do("usedphones.lift_block", number=IMEI)
    assert shop.row(BlockedNumber, row.id).lifted_by == shop.owner.id
    with pytest.raises(NotFound):
        shop.do("usedphones.lift_block", number=IMEI)
    shop.do("usedphones.block_number", number=IMEI, reason="seen again")
    assert shop.row(BlockedNumber, row.id).lifted_at is None


def test_a_block_is_lifted_by_two_people_or_the_owner(shop: Shop) -> None:
    shop.do("usedphones.block_number", number=IMEI, reason="reported stolen")
    with pytest.raises(ApprovalNeeded, match="reported stolen"):
        shop.do("usedphones.lift_block", number=IMEI, role=Role.SUPERVISOR)
    with pytest.raises(NotPermitted):
        shop.do("usedphones.lift_block", number=IMEI, role=Role.STAFF)
    assert shop.rows(BlockedNumber)[0].lifted_at is None


@pytest.mark.parametrize("number", ["004401251000391", "00440125100039", "12", "111111111111111", "ünïcode"])
def test_what_is_no_number_blocks_nobody(shop: Shop, number: str) -> None:
    if number == "00440125100039":  # an old box: the check digit is added
        assert shop.do("usedphones.block_number", number=number, reason="stolen")["number"] == IMEI
        return
    with pytest.raises(Invalid) as refusal:
        shop.do("usedphones.block_number", number=number, reason="stolen")
    assert list(refusal.value.fields) == ["number"]


def test_blocked_numbers_are_listed(shop: Shop) -> None:
    for number in (IMEI, "FVFXC2ABHV2D"):
        shop.do("usedphones.block_number", number=number, reason="stolen")
        shop.clock.advance(1_000)
    shop.do("usedphones.lift_block", number=IMEI)
    with shop.reading(Role.STAFF) as ctx:
        (held,) = list_blocked(ctx).rows
        (lifted,) = list_blocked(ctx, lifted=True).rows
        assert (held.number, held.created_by, held.lifted_by) == ("FVFXC2ABHV2D", "Sarah", None)
        assert (lifted.number, lifted.lifted_by) == (IMEI, "Sarah")
        assert block_view(ctx, lifted.id) == lifted
        assert list_blocked(ctx, number="fvfxc2-abhv2d").rows == [held]
        with pytest.raises(NotFound):
            block_view(ctx, "0190a000-0000-7000-8000-00000000dead")
