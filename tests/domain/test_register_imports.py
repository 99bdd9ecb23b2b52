"""Customers and suppliers from a spreadsheet: twice changes nothing, all or nothing where it is asked for."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date

import pytest

from shopnode.domain.buying.models import Supplier
from shopnode.domain.catalogue.imports import import_products
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.importing import NOT_TAKEN, WHOLE_MAX, tally
from shopnode.domain.permissions import Role
from shopnode.domain.register_imports import CUSTOMERS, SUPPLIERS, Register, import_register
from shopnode.domain.sheets import LineResult, Verdict
from tests.shop import Shop

PEOPLE = (
    "Name;Telephone;Address\nOkello James;0772 123 456;Ntinda\nNakaŋŋo Joy;+256 701 987 654;\n"
    "Walk-in wholesale;;Owino\n"
)


def run(
    shop: Shop, text: str, register: Register = CUSTOMERS, *, dry_run: bool = False, whole: bool = False
) -> list[LineResult]:
    file = io.BytesIO(text.encode())
    return list(import_register(shop.ctx(), register, file, dry_run=dry_run, whole=whole))


def verdicts(results: list[LineResult]) -> Counter[Verdict]:
    return tally(results)


def test_customers_are_taken_with_their_numbers_and_twice_changes_nothing(shop: Shop) -> None:
    assert verdicts(run(shop, PEOPLE)) == {Verdict.NEW: 3}
    entries = len(shop.entries())

    assert verdicts(run(shop, PEOPLE)) == {Verdict.UNCHANGED: 3}
    assert len(shop.entries()) == entries
    assert {row.phone for row in shop.rows(Customer)} == {"+256772123456", "+256701987654", None}


def test_a_cell_that_differs_is_written_and_an_empty_one_leaves_what_is_known(shop: Shop) -> None:
    run(shop, PEOPLE)

    same = run(shop, "name,phone,address\nOkello James,0772123456,\n")
    assert verdicts(same) == {Verdict.UNCHANGED: 1}
    changed = run(shop, "name,phone,address\nJames Okello,0772123456,Kisaasi\n")
    assert changed[0].says == ("name: Okello James → James Okello.", "address: Ntinda → Kisaasi.")
    assert {row.name for row in shop.rows(Customer) if row.phone == "+256772123456"} == {"James Okello"}


def test_a_dry_run_changes_nothing(shop: Shop) -> None:
    assert verdicts(run(shop, PEOPLE, dry_run=True)) == {Verdict.NEW: 3}
    assert shop.rows(Customer) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Okello,0772", "phone"),
        (",0772123456", "name"),
        ("Okello,2.56772E+11", "changed by a spreadsheet"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_the_others_are_taken(line: str, words: str, shop: Shop) -> None:
    results = run(shop, f"name,phone\nJoy,0701987654\n{line}\n")

    assert [result.verdict for result in results] == [Verdict.NEW, Verdict.WRONG]
    assert words in " ".join(results[1].says)
    assert [row.name for row in shop.rows(Customer)] == ["Joy"]


def test_the_same_number_twice_in_a_file_is_explained(shop: Shop) -> None:
    results = run(shop, "name,phone\nJoy,0701987654\nJoyce,+256701987654\n")

    assert results[1].says == ("phone “+256701987654” stands on line 2 already.",)


def test_suppliers_are_known_by_name(shop: Shop) -> None:
    text = "Supplier,Contact,Phone,Terms days\nTecno House,Musa,0772000111,30\n"

    assert verdicts(run(shop, text, SUPPLIERS)) == {Verdict.NEW: 1}
    assert verdicts(run(shop, text.replace("Tecno House", "TECNO  house"), SUPPLIERS)) != {Verdict.NEW: 1}
    (supplier,) = shop.rows(Supplier)
    assert (supplier.contact, supplier.phone, supplier.terms_days) == ("Musa", "+256772000111", 30)


def test_whoever_may_not_write_suppliers_imports_none(shop: Shop) -> None:
    with pytest.raises(NotPermitted):
        import_register(shop.ctx(Role.SUPERVISOR), SUPPLIERS, io.BytesIO(b"name\nA\n"))


# --- all or nothing


def test_all_or_nothing_takes_nothing_when_one_line_is_wrong(shop: Shop) -> None:
    results = run(shop, PEOPLE + "Musa;07\n", whole=True)

    assert verdicts(results) == {Verdict.SKIPPED: 3, Verdict.WRONG: 1}
    assert results[0].says == (NOT_TAKEN,)
    assert shop.rows(Customer) == []


def test_all_or_nothing_takes_everything_when_all_is_right(shop: Shop) -> None:
    assert verdicts(run(shop, PEOPLE, whole=True)) == {Verdict.NEW: 3}
    assert len(shop.rows(Customer)) == 3


def test_all_or_nothing_undoes_what_a_later_refusal_leaves(shop: Shop) -> None:
    """Two products that only the books find to be one: the second is refused when the first is there."""
    file = io.BytesIO(b"name,price,sku,barcode\nA,1000,S-1,\nB,1000,S-2,\nC,1000,,60011\n")
    results = list(import_products(shop.ctx(), file, whole=True))

    assert tally(results) == {Verdict.NEW: 3}
    wrong = io.BytesIO(b"name,price\nD,1000\nE,-5\n")
    assert tally(import_products(shop.ctx(), wrong, whole=True)) == {Verdict.SKIPPED: 1, Verdict.WRONG: 1}
    assert {row.name for row in shop.rows(Product)} == {"A", "B", "C"}


def test_all_or_nothing_has_a_limit_in_words(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopnode.domain.importing.WHOLE_MAX", 2)
    assert WHOLE_MAX >= 10_000

    with pytest.raises(Invalid, match="Split it"):
        run(shop, PEOPLE, whole=True)


def test_a_customers_birth_date_gender_and_id_number_come_with_the_file_and_twice_changes_nothing(shop: Shop) -> None:
    text = "Name;Phone;Date of birth;Gender;ID number\nOkello;0772123456;{};male;CM90012345ABCD\n"
    assert verdicts(run(shop, text.format("1990-11-22"))) == {Verdict.NEW: 1}
    (okello,) = shop.rows(Customer)
    assert (okello.date_of_birth, okello.gender, okello.id_number) == (date(1990, 11, 22), "male", "CM90012345ABCD")
    assert verdicts(run(shop, text.format("22/11/1990"))) == {Verdict.UNCHANGED: 1}
    (changed,) = run(shop, text.format("23.11.1990"))
    assert (changed.verdict, changed.says) == (Verdict.CHANGED, ("Date of birth: 1990-11-22 → 1990-11-23.",))
    for wrong, words in (
        ("03/04/1990", "Date of birth “03/04/1990” may mean two days: write it as 1990-04-03."),
        ("1990-02-30", "Date of birth “1990-02-30” is not a day such as 1990-11-22."),
    ):
        (line,) = run(shop, text.format(wrong))
        assert (line.verdict, line.says) == (Verdict.WRONG, (words,))
