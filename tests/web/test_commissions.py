"""Commissions on screen: rules, a month of everybody, one person's statement, money between them, performance."""

from __future__ import annotations

import pytest

from shopnode.domain.commissions.models import CommissionRule, StaffEntry
from shopnode.domain.permissions import Role
from tests.domain.till import Till, open_till
from tests.hub.world import Node
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, Owner, action_id, words

STATEMENT = "/commissions/{}"


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def sold(till: Till, pieces: int = 3) -> str:
    made: str = till.sell({"product_id": till.glass, "quantity": pieces}).result["sale_id"]
    return made


def test_a_rule_is_added_in_percent_and_in_shillings_and_ended(sarah: Browser, shop: Shop) -> None:
    form = {"of_repairs": "0", "category": "Accessories", "rate_bp": "2.5", "per_piece_minor": "1,000"}
    assert sarah.post("/commissions/rules", **form, staff_id=shop.cashier.id).status_code == 303
    (rule,) = shop.rows(CommissionRule)
    assert (rule.rate_bp, rule.per_piece_minor, rule.category, rule.staff_id) == (
        250, 1_000, "Accessories", shop.cashier.id
    )  # fmt: skip
    page = words(sarah.get("/commissions/rules"))
    assert "Accessories Aisha Today Holds 2.5 % + 1,000 each" in page
    assert sarah.post(f"/commissions/rules/{rule.id}/end").status_code == 303
    assert "Ends" in words(sarah.get("/commissions/rules"))
    twice = sarah.post(f"/commissions/rules/{rule.id}/end")
    assert twice.status_code == 409 and "This rule has ended already." in words(twice)
    shop.clock.advance(2 * 86_400_000)
    sarah.sign_in("Sarah")
    assert "No rule yet" in words(sarah.get("/commissions/rules"))
    assert "Ended" in words(sarah.get("/commissions/rules?state=all"))


def test_a_rule_that_cannot_be_says_why_beside_the_field_and_keeps_what_was_typed(sarah: Browser) -> None:
    nothing = sarah.post("/commissions/rules", category="Phones")
    assert nothing.status_code == 422 and "Is needed, or an amount for each piece." in words(nothing)
    assert 'value="Phones"' in nothing.get_data(as_text=True)
    odd = sarah.post("/commissions/rules", rate_bp="a lot", starts_on="2026-01-01")
    assert odd.status_code == 422 and 'value="a lot"' in odd.get_data(as_text=True)
    past = words(sarah.post("/commissions/rules", rate_bp="1", starts_on="2026-01-01"))
    assert "Is over: what was earned stays as it is." in past


def test_rule_59_a_statement_shows_what_was_earned_and_what_was_taken_back(
    sarah: Browser, aisha: Browser, till: Till
) -> None:
    shop = till.shop
    shop.do("commissions.add_rule", rate_bp=1_000)
    sold(till)
    shop.do("sales.void", sale_id=sold(till, 1), reason="a mistake", restock="resell")
    whole = words(sarah.get("/commissions"))
    assert "Aisha 2,000 −500 1,500" in whole
    page = words(aisha.get(STATEMENT.format(shop.cashier.id)))
    assert "Due UGX 1,500" in page and "Taken back −500" in page
    assert "Sold × 3" in page and "Sale undone" in page and "+1,500" in page
    later = words(sarah.get("/commissions?period=2025-12", htmx=True))
    assert "Nothing earned here" in later


def test_everybody_sees_their_own_and_nobody_elses(aisha: Browser, brian: Browser, till: Till) -> None:
    shop = till.shop
    shop.do("commissions.add_rule", rate_bp=1_000)
    sold(till)
    assert "Aisha" in words(brian.get("/commissions"))
    assert aisha.get(STATEMENT.format(shop.supervisor.id)).status_code == 404
    assert aisha.get(STATEMENT.format(shop.cashier.id)).status_code == 200
    assert aisha.get("/commissions/rules").status_code == 403
    assert aisha.post(STATEMENT.format(shop.cashier.id), kind="advance", amount="5").status_code == 403
    assert brian.post("/commissions/rules", rate_bp="5").status_code == 403
    assert "A new rule" not in words(brian.get("/commissions/rules"))
    # What somebody owes is theirs and an owner's to see.
    assert "Owes the shop" in words(aisha.get(STATEMENT.format(shop.cashier.id)))
    assert "Owes the shop" not in words(brian.get(STATEMENT.format(shop.cashier.id)))


def test_a_commission_and_an_advance_are_paid_out_of_the_drawer(sarah: Browser, till: Till) -> None:
    shop = till.shop
    shop.do("commissions.add_rule", rate_bp=1_000)
    sold(till)
    shop.do("cash.open_drawer", opening_float=50_000, till="Office")  # the owner's own
    place = STATEMENT.format(shop.cashier.id)
    assert 'value="1,500"' in sarah.get(place).get_data(as_text=True)  # what is due stands there
    assert sarah.post(place, kind="commission_paid", amount="1500", method="cash").status_code == 303
    assert "Due UGX 0" in words(sarah.get(place))
    assert sarah.post(place, kind="advance", amount="20,000", method="cash", note="school fees").status_code == 303
    page = words(sarah.get(place + "?saved=1"))
    assert "Owes the shop UGX 20,000" in page and "school fees" in page
    too_much = sarah.post(place, kind="forgiven", amount="30000", method="cash")
    assert too_much.status_code == 422 and "Is more than Aisha owes, 20,000." in words(too_much)
    assert sarah.post(place, kind="forgiven", amount="20000").status_code == 303
    assert sorted(row.kind for row in shop.rows(StaffEntry)) == ["advance", "commission_paid", "forgiven"]


def test_rule_89_a_supervisor_pays_with_an_owners_pin_and_nobody_themselves(brian: Browser, till: Till) -> None:
    shop = till.shop
    shop.do("cash.open_drawer", opening_float=50_000, till="Office", role=Role.SUPERVISOR)
    place, form = STATEMENT.format(shop.cashier.id), {"kind": "advance", "amount": "5000", "method": "cash"}
    asked = brian.post(place, **form)
    assert asked.status_code == 403
    text = words(asked)
    assert "Money between a person and the shop is an owner" in text
    assert "Sarah, Owner" in text and 'value="5,000"' in asked.get_data(as_text=True)
    owner = {"approver_id": shop.owner.id, "approver_pin": PINS["Sarah"], "action_id": action_id(asked)}
    assert brian.post(place, **form, **owner).status_code == 303
    own = brian.post(STATEMENT.format(shop.supervisor.id), **form)
    assert own.status_code == 403
    assert len(shop.rows(StaffEntry)) == 1


def test_long_statements_come_in_pieces(aisha: Browser, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopnode.web.office.commissions.LINES", 2)
    till.shop.do("commissions.add_rule", rate_bp=1_000)
    numbers = [till.sell({"product_id": till.glass}).result["number"] for _ in range(3)]
    place = STATEMENT.format(till.shop.cashier.id)
    first, rest = words(aisha.get(place)), words(aisha.get(f"{place}?from=2", htmx=True))
    assert numbers[2] in first and numbers[1] in first and numbers[0] not in first and "Show more" in first
    assert numbers[0] in rest and numbers[1] not in rest and "Show more" not in rest


def test_performance_shows_what_everybody_did(sarah: Browser, brian: Browser, aisha: Browser, till: Till) -> None:
    sold(till)
    assert "Nobody did anything here" in words(sarah.get("/performance?period=2025-12"))
    page = words(sarah.get("/performance"))
    assert "Aisha" in page and "3 pieces" in page and "15,000" in page and "Margin" in page
    assert "Margin" not in words(brian.get("/performance"))
    assert aisha.get("/performance").status_code == 403


@pytest.mark.parametrize("path", ["/commissions", "/commissions/{}", "/performance"])
def test_rule_92_the_lists_are_files_too_and_it_is_written_down(sarah: Browser, till: Till, path: str) -> None:
    shop = till.shop
    shop.do("commissions.add_rule", rate_bp=1_000)
    sold(till)
    answer = sarah.get(path.format(shop.cashier.id) + "?format=csv")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "1500" in text
    assert [entry.action for entry in shop.entries()][-1] == "lists.export"


def test_the_portal_makes_rules_and_books_nothing(owner: Owner, joined: Node) -> None:
    assert owner.post("/commissions/rules", rate_bp="3").status_code == 303
    assert "3 %" in words(owner.get("/commissions/rules"))
    assert owner.get("/commissions").status_code == 200 and owner.get("/performance").status_code == 200
    assert "Book it" not in words(owner.get(STATEMENT.format(joined.actor(Role.STAFF).id)))
