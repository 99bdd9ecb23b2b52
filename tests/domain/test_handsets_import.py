"""A supplier's delivery as it really comes: right lines are taken, wrong ones explained, twice changes nothing."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.catalogue.imports import import_products
from shopnode.domain.demo_data import CATALOGUE, DELIVERY
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.imports import CAME_AGAIN, import_handsets
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.importing import tally
from shopnode.domain.permissions import Role
from shopnode.domain.sheets import LineResult, Verdict
from shopnode.domain.stock.queries import stock_differences
from tests.shop import Shop

FILLER = "IMEI 1 “123456789012345” is a filler and no phone's number: read it off the phone with *#06#."
WRONG_DIGIT = "IMEI 1 “{}” has a wrong digit: compare it with the box, or with *#06# on the phone."
TWICE = "The number {} stands on line {} already. One of the two boxes has another number."

# Every wrong line of the delivery, worked out by hand.
WRONG_LINES = {
    9: WRONG_DIGIT.format("004407196595710"),
    13: FILLER,
    33: WRONG_DIGIT.format("004409825350178"),
    37: FILLER,
    45: TWICE.format("004408070768982", 44),
    57: WRONG_DIGIT.format("004407589953682"),
    61: FILLER,
    69: TWICE.format("004404937409019", 68),
    81: WRONG_DIGIT.format("004402287455387"),
    85: FILLER,
    93: TWICE.format("004409870774451", 92),
    105: WRONG_DIGIT.format("004406180664847"),
    109: FILLER,
    117: TWICE.format("004401778957775", 116),
}
MENDED_LINES = {5: 14, 19: 16, 29: 14, 43: 16, 53: 14, 67: 16, 77: 14, 91: 16, 101: 14, 115: 16}  # line → digits


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    with CATALOGUE.open("rb") as file:
        list(import_products(shop.ctx(), file))
    return shop


def deliver(shop: Shop, *, dry_run: bool = False) -> list[LineResult]:
    with DELIVERY.open("rb") as file:
        return list(import_handsets(shop.ctx(), file, dry_run=dry_run, source="Kikuubo Traders"))


def test_every_right_line_of_the_delivery_is_taken_and_every_wrong_one_explained(stocked: Shop) -> None:
    results = deliver(stocked)

    assert tally(results) == {Verdict.NEW: 106, Verdict.WRONG: 14, Verdict.SKIPPED: 2}
    assert {line.line_no: " ".join(line.says) for line in results if line.verdict is Verdict.WRONG} == WRONG_LINES
    mended = {line.line_no: line.says[0] for line in results if line.verdict is Verdict.NEW and line.says}
    assert {line_no: int(words.split(": ")[1][:2]) for line_no, words in mended.items()} == MENDED_LINES
    assert [line.says[0] for line in results if line.verdict is Verdict.SKIPPED] == [
        "This line is empty.", "The total of 120 agrees with the lines.",
    ]  # fmt: skip
    assert len(stocked.rows(StockUnit, status="in_stock")) == len(stocked.rows(Handset)) == 106


def test_what_a_line_says_is_on_the_phone(stocked: Shop) -> None:
    deliver(stocked)
    (twin,) = stocked.rows(Handset, imei1="004406753989222") or stocked.rows(Handset, imei2="004406753989222")
    (unit,) = stocked.rows(StockUnit, handset_id=twin.id)
    assert (twin.imei1, twin.colour) == ("004409818365537", "Black")
    assert (unit.cost_minor, unit.source, unit.grade) == (440_000, "Kikuubo Traders", None)
    (shouted,) = stocked.rows(Handset, imei1="004405558240096")  # IPHONE 11 PRO MAX 64 (UK USED, GRADE B)
    assert stocked.rows(StockUnit, handset_id=shouted.id)[0].grade == "B"
    (single,) = stocked.rows(Handset, imei1="004401785988359")  # the same number twice
    assert single.imei2 is None
    (dashed,) = stocked.rows(Handset, imei1="004402046152843")  # 004402-046152-843
    assert dashed.imei2 == "004406881361385"


def test_importing_the_delivery_twice_changes_nothing(stocked: Shop) -> None:
    deliver(stocked)
    entries = len(stocked.entries())
    again = deliver(stocked)
    assert tally(again) == {Verdict.UNCHANGED: 106, Verdict.WRONG: 14, Verdict.SKIPPED: 2}
    assert {line.says for line in again if line.verdict is Verdict.UNCHANGED} == {("Already here.",)}
    assert len(stocked.entries()) == entries


def test_a_dry_run_says_the_same_and_changes_nothing(stocked: Shop) -> None:
    entries = len(stocked.entries())
    planned = deliver(stocked, dry_run=True)
    assert len(stocked.entries()) == entries
    assert planned == deliver(stocked)


def test_stock_is_the_sum_of_what_came(stocked: Shop) -> None:
    deliver(stocked)
    with stocked.reading() as ctx:
        assert stock_differences(ctx.session) == []
    assert sum(change.fields["quantity"] for change in stocked.changes("stock_movement")) == 106


def test_a_phone_that_left_meanwhile_is_not_received_again(stocked: Shop) -> None:
    deliver(stocked)
    gone = stocked.rows(StockUnit)[0]
    stocked.do("handsets.write_off", unit_id=gone.id, reason="dropped in the shop")
    again = deliver(stocked)
    assert (tally(again)[Verdict.UNCHANGED], tally(again)[Verdict.SKIPPED]) == (105, 3)
    assert (f"Was received before and has left since. {CAME_AGAIN}",) in {line.says for line in again}


def test_rule_5_a_phone_that_left_comes_in_again_by_a_file_that_says_so(stocked: Shop) -> None:
    plain = f"Item;IMEI;Cost\nTecno Pop 9 3/64;{GOOD};300000\n"
    saying = f"Item;IMEI;Cost;Again\nTecno Pop 9 3/64;{GOOD};250000;yes\n"

    def send(text: str) -> Verdict:
        (line,) = import_handsets(stocked.ctx(), io.BytesIO(text.encode()))
        return line.verdict

    assert send(plain) is Verdict.NEW
    (first,) = stocked.rows(StockUnit)
    assert send(saying) is Verdict.UNCHANGED  # it is here
    stocked.do("handsets.write_off", unit_id=first.id, reason="stolen from the window")
    assert send(plain) is Verdict.SKIPPED
    assert send(saying) is Verdict.NEW and send(saying) is Verdict.UNCHANGED
    (here,) = stocked.rows(StockUnit, status="in_stock")
    assert (here.handset_id, here.cost_minor, len(stocked.rows(Handset))) == (first.handset_id, 250_000, 1)
    assert send(saying.replace("yes", "perhaps")) is Verdict.WRONG


def test_a_mended_line_is_taken_the_next_time(stocked: Shop) -> None:
    deliver(stocked)
    text = DELIVERY.read_text("utf-8-sig").replace("004407196595710", "004407196595718")
    from stdnum import luhn

    assert not luhn.is_valid("004407196595710")
    right = "00440719659571" + luhn.calc_check_digit("00440719659571")
    text = text.replace("004407196595718", right)
    results = list(import_handsets(stocked.ctx(), io.BytesIO(text.encode())))
    assert tally(results) == {Verdict.NEW: 1, Verdict.UNCHANGED: 106, Verdict.WRONG: 13, Verdict.SKIPPED: 2}


GOOD = "004401231000130"
HEADER = "Item;IMEI 1;IMEI 2;Cost;Qty\n"


NOT_KNOWN = "is not in the catalogue: add the product first, or correct the name."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Tecno Pop 9 3/46;{};;300000;1", f"Item “Tecno Pop 9 3/46” {NOT_KNOWN} Is it “Tecno Pop 9 3/64”?"),
        ("Fridge;{};;300000;1", f"Item “Fridge” {NOT_KNOWN}"),
        ("USB-C cable;{};;3000;1", "Item “USB-C cable” is not counted by IMEI; add to its stock by quantity."),
        ("Tecno Pop 9 3/64;;;300000;1", "IMEI 1 is missing."),
        (
            "Tecno Pop 9 3/64;4.40123E+14;;300000;1",
            "IMEI 1 “4.40123E+14” was changed by a spreadsheet: format the column as text and type it again.",
        ),
        (
            "Tecno Pop 9 3/64;4401231000130;;300000;1",
            "IMEI 1 “4401231000130” has 13 digits, an IMEI has 15: "
            "a spreadsheet may have dropped the zeros it starts with.",
        ),
        ("Tecno Pop 9 3/64;{};;cheap;1", "Cost “cheap” is not an amount."),
        (
            "Tecno Pop 9 3/64;{};;300000;3",
            "Qty is 3, but a line has the numbers of one phone: write a line for each.",
        ),
        (
            "Tecno Pop 9 3/64;{};x;-5;two",
            "IMEI 2 “x” has signs in it that are not digits. "
            "Cost must not be below zero. Qty “two” is not a whole number.",
        ),
    ],
)
def test_each_wrong_line_is_explained_in_a_shopkeepers_words(stocked: Shop, line: str, words: str) -> None:
    (result,) = import_handsets(stocked.ctx(), io.BytesIO((HEADER + line.format(GOOD)).encode()))
    assert result.verdict is Verdict.WRONG
    assert " ".join(result.says) == words
    assert stocked.rows(StockUnit) == []


def test_a_total_that_does_not_agree_is_told(stocked: Shop) -> None:
    lines = HEADER + "Tecno Pop 9 3/64;004401231000130;;300000;1\nTOTAL;;;;2\n"
    *_, total = import_handsets(stocked.ctx(), io.BytesIO(lines.encode()))
    assert total.says == ("The total says 2, but the lines name 1. Count the boxes.",)


def test_a_file_without_the_needed_columns_is_refused(stocked: Shop) -> None:
    with pytest.raises(Invalid) as refusal:
        import_handsets(stocked.ctx(), io.BytesIO(b"Colour;Qty\nred;1\n"))
    assert refusal.value.fields == {"file": "has no column for: item, imei 1. Its first line must name the columns"}


def test_staff_may_receive_a_delivery(stocked: Shop) -> None:
    with DELIVERY.open("rb") as file:
        assert tally(import_handsets(stocked.ctx(Role.STAFF), file))[Verdict.NEW] == 106
