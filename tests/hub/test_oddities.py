"""Nothing is refused for a business reason; what an owner should know of is listed, in a sentence."""

from __future__ import annotations

import pytest

from cloudhub.merge.clashes import KEYS
from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.inboxes import count_open
from cloudhub.merge.sentences import SENTENCES
from cloudhub.merge.technical import troubles
from shopnode.domain.actions import perform
from shopnode.domain.clock import to_datetime
from sync_protocol.versions import SCHEMA_VERSION
from tests.hub.raw import RawNode, change, payment, product, raw_node, sale
from tests.hub.world import World

SOLD_AT = 1_790_000_000_000


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


def told(world: World) -> dict[str, str]:
    """What is listed, by kind."""
    with world.session() as session:
        return {e.kind: e.sentence for e in open_exceptions(session)}


def waiting(world: World) -> dict[str, str]:
    """What troubles the machinery, by kind."""
    with world.session() as session:
        return {trouble.kind: trouble.sentence for trouble in troubles(session, to_datetime(world.clock.wall_ms()))}


def amend(raw: RawNode, sale_id: str, seen: int) -> None:
    columns = ["id", "sale_id", "shop_id", "reason", "replaces_lines", "at", "nth"]
    values = [raw.new_id(), sale_id, raw.shop, "less", False, SOLD_AT, 1]
    raw.write(["sale_amendment", "i", columns, [values]], seen=seen)


def decide(raw: RawNode, sale_id: str, kind: str) -> None:
    columns = ["id", "sale_id", "shop_id", "kind", "at", "nth"]
    raw.write(["sale_decision", "i", columns, [[raw.new_id(), sale_id, raw.shop, kind, SOLD_AT, 1]]])


def move(raw: RawNode, product_id: str, quantity: int) -> list[object]:
    columns = ["id", "shop_id", "product_id", "kind", "quantity", "unit_cost_minor", "at"]
    return ["stock_movement", "i", columns, [[raw.new_id(), raw.shop, product_id, "sold", quantity, 1, SOLD_AT]]]


def sold(raw: RawNode) -> str:
    sale_id = raw.new_id()
    raw.write(sale(sale_id, raw.shop, number="KLA1-000007"))
    raw.push()
    return sale_id


def last_no(world: World) -> int:
    return int(world.rows("SELECT seq FROM tenant_feed")[0][0])


def test_a_correction_that_had_not_seen_the_lock_is_listed(world: World, raw: RawNode) -> None:
    sale_id = sold(raw)
    seen = last_no(world)
    perform(world.owner(), "sales.lock", {"sale_id": sale_id})

    amend(raw, sale_id, seen)
    assert raw.push().verdicts == {}
    assert told(world) == {
        "amended_locked": "Shop KLA corrected sale KLA1-000007 when it had been locked already, before it could know. "
        "The correction stands."
    }


def test_a_correction_that_had_seen_the_lock_or_its_end_is_not_listed(world: World, raw: RawNode) -> None:
    sale_id = sold(raw)
    seen = last_no(world)
    perform(world.owner(), "sales.lock", {"sale_id": sale_id})
    amend(raw, sale_id, last_no(world))
    raw.push()
    perform(world.owner(), "sales.unlock", {"sale_id": sale_id, "reason": "look again"})
    amend(raw, sale_id, seen)
    raw.push()
    assert told(world) == {}


def test_a_correction_that_had_not_seen_the_undoing_is_listed(world: World, raw: RawNode) -> None:
    sale_id = sold(raw)
    seen = last_no(world)
    perform(world.owner(), "sales.reverse", {"sale_id": sale_id, "reason": "came back"})

    amend(raw, sale_id, seen)
    assert raw.push().verdicts == {}
    assert set(told(world)) == {"amended_undone"}


def test_a_shop_knows_its_own_decisions(world: World, raw: RawNode) -> None:
    sale_id = sold(raw)
    seen = last_no(world)
    decide(raw, sale_id, "lock")
    raw.push()
    decide(raw, sale_id, "void")
    amend(raw, sale_id, seen)
    raw.push()
    assert told(world) == {}


def test_a_sale_by_a_suspended_person_is_listed(world: World, raw: RawNode) -> None:
    form = {"name": "Zed", "role": "Staff", "phone": "+256772000111", "shop_ids": []}
    person = perform(world.owner(), "staff.add", form).result["id"]
    perform(world.owner(), "staff.suspend", {"staff_id": person})
    now = world.clock.wall_ms()

    raw.write(sale(raw.new_id(), raw.shop, number="KLA1-000001", cashier_id=person, sold_at=now - 60_000))
    raw.write(sale(raw.new_id(), raw.shop, number="KLA1-000002", cashier_id=person, seller_id=person, sold_at=now + 1))

    assert raw.push().verdicts == {}
    assert told(world) == {"sold_suspended": "Zed made sale KLA1-000002 at Shop KLA after having been suspended."}


def test_a_sale_by_whom_its_shop_knew_to_be_suspended_is_listed_whatever_its_clock_says(
    world: World, raw: RawNode
) -> None:
    """The clock is put back to before the suspension; what the shop had seen is not."""
    form = {"name": "Zed", "role": "Staff", "phone": "+256772000111", "shop_ids": []}
    person = perform(world.owner(), "staff.add", form).result["id"]
    before = last_no(world)
    perform(world.owner(), "staff.suspend", {"staff_id": person})
    early = {"cashier_id": person, "sold_at": world.clock.wall_ms() - 86_400_000}
    raw.write(sale(raw.new_id(), raw.shop, number="KLA1-000001", **early), seen=before)
    raw.push()
    assert told(world) == {}
    raw.write(sale(raw.new_id(), raw.shop, number="KLA1-000002", **early), seen=last_no(world))
    raw.push()
    assert told(world) == {"sold_suspended": "Zed made sale KLA1-000002 at Shop KLA after having been suspended."}


def test_a_shop_knows_whom_it_suspended_itself(world: World, raw: RawNode) -> None:
    person = raw.new_id()
    raw.write(["staff", "i", ["id", "role", "name"], [[person, "Staff", "Zed"]]], schema=SCHEMA_VERSION)
    raw.push()
    suspended = change("staff", person, 0, suspended_at=(None, SOLD_AT))
    raw.write(suspended, actor=world.kisura.owner_id, schema=SCHEMA_VERSION)
    raw.write(sale(raw.new_id(), raw.shop, cashier_id=person, sold_at=SOLD_AT - 86_400_000))
    raw.push()
    assert "sold_suspended" in told(world)


def settle_all(world: World) -> None:
    with world.session() as session:
        found = [each.id for each in open_exceptions(session)]
    for exception_id in found:
        perform(world.owner(), "exceptions.settle", {"exception_id": exception_id, "word": "looked at it"})
    assert told(world) == {}


def test_what_was_settled_and_happens_again_is_listed_again(world: World, raw: RawNode) -> None:
    other, drawer = raw_node(world, "JJA"), raw.new_id()
    values = {"shop_id": raw.shop, "opening_float_minor": 0, "opened_at": SOLD_AT, "business_on": "2026-09-21"}
    raw.write(["drawer_session", "i", ["id", *values], [[drawer, *values.values()]]])
    raw.push()
    for amount in (1, 2):
        other.write(change("drawer_session", drawer, opening_float_minor=(0, amount)))
        other.push()
        assert "not_holder" in told(world)
        settle_all(world)
    assert other.push(1, len(other.entries)).status == 200  # the same entries once more
    assert told(world) == {}


def test_a_settled_clash_comes_back_where_the_key_is_written_and_not_where_the_row_is(
    world: World, raw: RawNode
) -> None:
    one, two = raw.new_id(), raw.new_id()
    raw.write(product(one, sku="A-1"), product(two, sku="A-1"))
    raw.push()
    assert "sku_twice" in told(world)
    settle_all(world)
    raw.write(change("product", one, description=(None, "of another colour")))
    raw.push()
    assert told(world) == {}
    raw.write(change("product", one, sku=("A-1", "B-1")))
    raw.push()
    raw.write(change("product", one, sku=("B-1", "A-1")))
    raw.push()
    assert "sku_twice" in told(world)


def test_selling_more_than_there_is_is_listed_once_until_somebody_looked(world: World, raw: RawNode) -> None:
    row_id = raw.new_id()
    raw.write(product(row_id), move(raw, row_id, 1), move(raw, row_id, -1))
    raw.push()
    assert told(world) == {}

    for _ in range(2):
        raw.write(move(raw, row_id, -1))
        assert raw.push().verdicts == {}
    said = "Shop KLA sold more of Tempered glass than it had: -1 on hand. Count the goods."
    assert told(world) == {"oversold": said}
    with world.session() as session:
        (listed,) = open_exceptions(session)
    perform(world.owner(), "exceptions.settle", {"exception_id": listed.id, "word": "counted them"})
    assert told(world) == {}
    raw.write(move(raw, row_id, -1))
    raw.push()
    assert "-3 on hand" in told(world)["oversold"]


def account(raw: RawNode, customer_id: str, amount: int, which: str = "store_credit") -> list[object]:
    columns = ["id", "customer_id", "shop_id", "account", "kind", "amount", "at"]
    kind = "spent" if amount < 0 else "gift" if which == "store_credit" else "earned"
    return ["account_entry", "i", columns, [[raw.new_id(), customer_id, raw.shop, which, kind, amount, SOLD_AT]]]


def customer(row_id: str, name: str) -> list[object]:
    return ["customer", "i", ["id", "name", "created_at"], [[row_id, name, SOLD_AT]]]


def test_store_credit_spent_in_two_shops_is_listed_once_until_somebody_looked(world: World, raw: RawNode) -> None:
    grace = raw.new_id()
    raw.write(customer(grace, "Nakato Grace"), account(raw, grace, 50_000), account(raw, grace, -50_000))
    raw.push()
    assert told(world) == {}

    for _ in range(2):
        raw.write(account(raw, grace, -30_000))
        assert raw.push().verdicts == {}
    said = "Nakato Grace spent store credit in shops that had not heard of each other: 30,000 more than there was. "
    assert told(world) == {"overspent_credit": said + "Both sales stand; agree with them how it is paid."}
    with world.session() as session:
        (listed,) = open_exceptions(session)
    perform(world.owner(), "exceptions.settle", {"exception_id": listed.id, "word": "she pays on Friday"})
    raw.write(account(raw, grace, 40_000))
    raw.push()
    assert told(world) == {}
    raw.write(account(raw, grace, -1))
    raw.push()
    assert "20,001 more" in told(world)["overspent_credit"]


def test_what_duplicates_of_one_customer_spend_is_counted_together(world: World, raw: RawNode) -> None:
    grace, double = raw.new_id(), raw.new_id()
    raw.write(customer(grace, "Nakato Grace"), customer(double, "Nakato G."), account(raw, grace, 500, "points"))
    raw.push()
    perform(world.owner(), "customers.merge", {"duplicate_id": double, "into_id": grace})
    raw.write(account(raw, double, -500, "points"))
    raw.push()
    assert told(world) == {}
    raw.write(account(raw, double, -1, "points"))
    raw.push()
    assert told(world) == {
        "overspent_points": "Nakato Grace used points in shops that had not heard of each other: 1 more than there "
        "were. Both sales stand."
    }


def test_what_is_owed_on_account_may_be_paid_twice_and_is_no_oddity(world: World, raw: RawNode) -> None:
    grace = raw.new_id()
    raw.write(customer(grace, "Nakato Grace"), account(raw, grace, -5_000, "credit"))
    raw.push()
    assert told(world) == {}


def test_what_could_not_be_taken_in_is_listed_while_it_waits(world: World, raw: RawNode) -> None:
    sale_id = raw.new_id()
    raw.write(payment(raw.new_id(), sale_id, raw.shop))
    raw.write(["unheard_of", "i", ["id"], [[raw.new_id()]]])
    raw.push()

    said = waiting(world)
    assert set(said) == {"held", "quarantined"}
    assert "Shop KLA" in said["held"]
    assert told(world) == {}
    with world.session() as session:
        counts = count_open(session)
    assert (counts.review, counts.exceptions, counts.technical, counts.open) == (0, 0, 2, 2)
    raw.write(sale(sale_id, raw.shop))
    raw.push()
    assert set(waiting(world)) == {"quarantined"}


def test_one_payment_message_for_two_sales_is_listed_also_when_it_was_put_right_later(
    world: World, raw: RawNode
) -> None:
    first, second = raw.new_id(), raw.new_id()
    raw.write(sale(first, raw.shop, number="KLA1-1"), sale(second, raw.shop, number="KLA1-2"))
    raw.write(payment(raw.new_id(), first, raw.shop, method="mtn_momo", reference="MP1"))
    raw.push()
    raw.write(payment(raw.new_id(), second, raw.shop, method="mtn_momo", reference="MP1", kind="correction"))
    raw.push()
    assert told(world) == {"reference_twice": "One payment message, MP1, was entered for two sales."}


def test_one_payment_message_named_for_the_money_of_two_sales_is_listed(world: World, raw: RawNode) -> None:
    for number in ("KLA1-1", "KLA1-2"):
        sale_id, payment_id = raw.new_id(), raw.new_id()
        raw.write(sale(sale_id, raw.shop, number=number), payment(payment_id, sale_id, raw.shop, method="mtn_momo"))
        columns = ["id", "payment_id", "sale_id", "shop_id", "state", "method", "reference", "at"]
        values = [raw.new_id(), payment_id, sale_id, raw.shop, "confirmed", "mtn_momo", "MP1", SOLD_AT]
        raw.write(["payment_outcome", "i", columns, [values]])
        assert raw.push().verdicts == {}
    assert told(world) == {"reference_twice": "One payment message, MP1, was entered for two sales."}


def test_a_payment_message_under_which_nothing_is_held_any_more_is_no_clash(world: World, raw: RawNode) -> None:
    first, second = raw.new_id(), raw.new_id()
    raw.write(sale(first, raw.shop, number="KLA1-1"), sale(second, raw.shop, number="KLA1-2"))
    for kind, amount in (("payment", 5_000), ("correction", -5_000)):
        raw.write(
            payment(
                raw.new_id(), first, raw.shop, method="mtn_momo", reference="MP1", kind=kind, amount_minor=amount
            )
        )  # fmt: skip
    raw.push()
    raw.write(payment(raw.new_id(), second, raw.shop, method="mtn_momo", reference="MP1"))
    raw.push()
    assert told(world) == {}


def test_every_kind_that_is_listed_has_a_sentence() -> None:
    assert {key.kind for key in KEYS} <= set(SENTENCES)
