"""What happens at a counter and moves nothing is told all the same: rules 31 and 33."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import ApprovalNeeded
from shopnode.domain.permissions import Role
from shopnode.domain.printing.models import PrintJob
from shopnode.domain.sales.carts import CartBody, CartLine, change_cart, open_cart
from shopnode.domain.sales.counter_events import list_counter_events
from shopnode.domain.sales.models import CounterEvent, CounterEventKind
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def change(till: Till, how: Any) -> CartBody:
    return change_cart(till.shop.ctx(Role.STAFF), how, lambda session, body: None)


def fill(till: Till, *, seen: bool, phone: bool = True) -> None:
    """A cart with three glasses and perhaps a phone; `seen`: payment has begun, so the customer knows the sum."""

    def put(body: CartBody) -> None:
        body.lines = [CartLine(id="glass", product_id=till.glass, quantity=3)]
        if phone:
            one = CartLine(id="phone", product_id=till.phone, unit_id=till.units[0], imei=IMEIS[0], unit_price=620_000)
            body.lines.append(one)
        body.action_id = till.shop.home.new_id() if seen else None

    change(till, put)


def told(till: Till) -> list[tuple[str, str | None, str | None, int | None, int | None]]:
    rows = sorted(till.shop.rows(CounterEvent), key=lambda row: row.id)
    return [(row.kind, row.item_name, row.imei, row.quantity, row.amount_minor) for row in rows]


def test_rule_31_a_line_taken_out_after_the_sum_was_seen_is_an_event(till: Till) -> None:
    fill(till, seen=True)
    change(till, lambda body: body.remove("phone"))

    assert told(till) == [("line_removed", "Tecno Spark 40", IMEIS[0], 1, 620_000)]
    (row,) = till.shop.rows(CounterEvent)
    assert (row.shop_id, row.by_id, row.at) == (till.shop.home.shop_id, till.shop.cashier.id, till.shop.ctx().now)
    assert till.shop.changes("counter_event")[-1].fields["imei"] == IMEIS[0]  # it travels


def test_rule_31_fewer_pieces_after_the_sum_was_seen_are_an_event_too(till: Till) -> None:
    fill(till, seen=True, phone=False)
    change(till, lambda body: setattr(body.line("glass"), "quantity", 1))
    assert told(till) == [("line_removed", "Tempered glass", None, 2, 10_000)]


def test_rule_31_giving_up_a_cart_with_phones_is_an_event_before_any_sum(till: Till) -> None:
    fill(till, seen=False)
    change(till, lambda body: body.lines.clear())
    assert {(kind, imei) for kind, _, imei, *_ in told(till)} == {("cart_given_up", None), ("cart_given_up", IMEIS[0])}


def test_rule_31_what_is_put_right_before_the_sum_is_seen_is_no_event(till: Till) -> None:
    fill(till, seen=False)
    change(till, lambda body: body.remove("phone"))
    change(till, lambda body: body.remove("glass"))
    assert told(till) == []


def test_rule_31_what_the_cart_itself_refuses_tells_nothing(till: Till) -> None:
    fill(till, seen=True)

    def refuse(session: object, body: CartBody) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        change_cart(till.shop.ctx(Role.STAFF), lambda body: body.remove("phone"), refuse)
    assert told(till) == []
    with till.shop.reading(Role.STAFF) as ctx:
        assert len(open_cart(ctx.session, till.shop.cashier.id or "").lines) == 2


def printed(till: Till, sale_id: str, **more: Any) -> int | None:
    """Print a receipt a minute later, and say that it came out."""
    till.shop.clock.advance(60_000)
    copy: int | None = till.shop.perform("printing.print_receipt", {"sale_id": sale_id}, **more).result["copy"]
    with till.shop.home.writing() as session:
        for job in session.query(PrintJob):
            job.state, job.sent_at = "printed", job.created_at
    return copy


@pytest.fixture
def sale_id(till: Till) -> str:
    till.shop.do("printing.save_printer", name="Counter", transport="tcp", address="192.168.1.50:9100")
    found: str = till.sell(print_receipt=False).result["sale_id"]
    return found


def test_rule_33_a_reprint_says_copy_n_and_is_written_down_with_who_asked(till: Till, sale_id: str) -> None:
    assert [printed(till, sale_id, role=Role.STAFF) for _ in range(3)] == [0, 1, 2]

    with till.shop.reading() as ctx:
        page = list_counter_events(ctx, kind=CounterEventKind.REPRINTED)
    assert [(view.copy_no, view.sale_id, view.sale_number, view.by) for view in page.rows] == [
        (2, sale_id, "KLA1-000001", "Aisha"), (1, sale_id, "KLA1-000001", "Aisha"),
    ]  # fmt: skip
    assert [entry.action for entry in till.shop.entries()[-3:]] == ["printing.print_receipt"] * 3


def test_rule_33_further_copies_may_need_a_second_person(till: Till, sale_id: str) -> None:
    till.shop.do("settings.change", key="receipt_copies_staff", value=1)
    assert [printed(till, sale_id, role=Role.STAFF) for _ in range(2)] == [0, 1]
    with pytest.raises(ApprovalNeeded, match="copy 2 of receipt KLA1-000001"):
        printed(till, sale_id, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    assert printed(till, sale_id, role=Role.STAFF, approval=approval) == 2
    assert printed(till, sale_id, role=Role.SUPERVISOR) == 3


def test_a_shop_without_a_printer_prints_and_tells_nothing(till: Till) -> None:
    found = till.sell().result["sale_id"]
    assert till.shop.do("printing.print_receipt", sale_id=found)["copy"] is None
    assert told(till) == []
