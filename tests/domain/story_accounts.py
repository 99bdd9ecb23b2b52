"""Acts with customers' money of the stories: debts, store credit, plans, financiers, used phones."""

from __future__ import annotations

from typing import Any

from shopnode.domain.permissions import Role
from tests.domain.stories import Dice
from tests.domain.story_shops import imei
from tests.domain.story_tickets import TICKET_PLANS, Counter, stock_up

SELLER = {
    "name": "Nakimuli Prossy", "phone": "+256798000777", "id_type": "national_id", "id_number": "CF92034105QX7K",
    "signed_on_paper": True,
}  # fmt: skip


def _money(w: Counter, dice: Dice, amount: int) -> dict[str, Any]:
    """A tender and its amount."""
    method = dice.of(["cash", "cash", "airtel"])
    return {"method": method, "amount": amount} | ({} if method == "cash" else {"reference": w.reference()})


def _moved(w: Counter, money: dict[str, Any], sign: int = 1) -> None:
    w.told.cash += sign * money["amount"] if money["method"] == "cash" else 0


def pay_debt(w: Counter, dice: Dice) -> bool:
    who = dice.of(w.things.people)
    owed = w.balance(who, "credit")
    money = _money(w, dice, dice.number(1, max(1, owed)) + dice.of([0, 0, 500]))
    query = """SELECT e.id FROM account_entry e WHERE e.customer_id = ? AND e.account = 'credit' AND e.amount >
        (SELECT coalesce(sum(amount_minor), 0) FROM account_allocation WHERE charge_id = e.id) ORDER BY e.id"""
    charges = [row[0] for row in w.books[0].ask(query, who)]
    chosen = [dice.of(charges)] if charges and dice.once_in(2) else []
    done = w.act("accounts.take_payment", {"customer_id": who, **money, "charge_ids": chosen}, role=Role.STAFF)
    if done is not None:
        assert (done["applied"], done["owes"]) == (min(owed, money["amount"]), max(0, owed - money["amount"]))
        _moved(w, money)
    return True


def use_credit(w: Counter, dice: Dice) -> bool:
    able = [who for who in w.things.people if w.balance(who, "credit") and w.balance(who, "store_credit")]
    if not able:
        return False
    who = dice.of(able)
    most = min(w.balance(who, "credit"), w.balance(who, "store_credit"))
    w.act("accounts.use_store_credit", customer_id=who, amount=dice.number(1, most + 1))
    return True


def sell_credit(w: Counter, dice: Dice) -> bool:
    money = _money(w, dice, dice.number(1, 60_000))
    done = w.act("accounts.sell_store_credit", {"customer_id": dice.of(w.things.people), **money}, role=Role.STAFF)
    if done is not None:
        _moved(w, money)
    return True


def pay_credit_out(w: Counter, dice: Dice) -> bool:
    able = [who for who in w.things.people if w.balance(who, "store_credit")]
    if not able:
        return False
    who = dice.of(able)
    money = _money(w, dice, dice.number(1, w.balance(who, "store_credit") + (1 if dice.once_in(6) else 0)))
    role, approver = dice.of([(Role.OWNER, None), (Role.STAFF, Role.SUPERVISOR), (Role.STAFF, None)])
    done = w.act("accounts.pay_out_store_credit", {"customer_id": who, **money}, role=role, approver=approver)
    if done is not None:
        assert approver is not None or role is Role.OWNER
        _moved(w, money, -1)
    return True


def correct(w: Counter, dice: Dice) -> bool:
    who, account = dice.of(w.things.people), dice.of(["credit", "store_credit", "points"])
    has = w.balance(who, account)
    amount = -dice.number(1, has) if has and dice.once_in(2) else dice.number(1, 9_000)
    w.act("accounts.correct", customer_id=who, account=account, amount=amount, reason="goodwill")
    return True


def find_money(w: Counter, dice: Dice) -> bool:
    money = _money(w, dice, dice.number(1, 40_000))
    who = dice.of([None, *w.things.people])
    if w.act("accounts.receive_unallocated", {**money, "customer_id": who}, role=Role.STAFF) is not None:
        _moved(w, money)
    return True


def place_money(w: Counter, dice: Dice) -> bool:
    """Money nobody knew is somebody's after all, or goes back; what was settled before is refused."""
    rows = w.books[0].ask("SELECT id, amount_minor FROM money_move WHERE kind = 'unallocated' AND amount_minor > 0")
    settled = """SELECT money_id FROM account_entry WHERE kind = 'unallocated'
        UNION SELECT about_id FROM money_move WHERE kind = 'unallocated'"""
    gone = {row[0] for row in w.books[0].ask(settled)}
    waiting = [row for row in rows if row[0] not in gone] if not dice.once_in(8) else rows
    if not waiting:
        return False
    money_id, amount = dice.of(waiting)
    if dice.once_in(2):
        w.act("accounts.allocate_money", money_id=money_id, customer_id=dice.of(w.things.people))
    else:
        money = _money(w, dice, amount)
        back = {name: value for name, value in money.items() if name != "amount"}
        if w.act("accounts.send_back_money", {"money_id": money_id, **back, "reason": "wrong number"}) is not None:
            _moved(w, money, -1)
    return True


def agree(w: Counter, dice: Dice) -> bool:
    """A plan for a phone or for glasses."""
    free = w.phones("in_stock")
    item: dict[str, Any] = {"product_id": w.things.glass, "quantity": 4}
    total = 20_000
    if free and dice.once_in(2):
        item, total = {"device_id": dice.of(free)[0]}, 640_000
    kind = dice.of(["layaway", "instalment", "reservation"])
    paid = dice.number(total // 5, total - 5)
    money = _money(w, dice, paid)
    who = dice.of(w.things.people)
    form = {"kind": kind, "customer_id": who, "items": [item], "payments": [money], "instalments": dice.number(1, 3)}
    done = w.act("plans.open", form)
    if done is not None:
        assert done["total"] == total
        _moved(w, money)
        if kind == "instalment":
            w.book(done["sale_id"], [(item, total)], who)
    return True


def go_on(w: Counter, dice: Dice) -> bool:
    """A plan is paid further, completed, called off or given up."""
    paid = "(SELECT coalesce(sum(amount_minor), 0) FROM money_move m WHERE m.about_id = p.id)"
    rows = w.books[0].ask(f"SELECT id, customer_id, total_minor, {paid} FROM plan p WHERE status = 'open' ORDER BY id")
    if not rows:
        return False
    plan_id, who, total, before = dice.of(rows)
    way = dice.of(["pay", "complete", "pay", "cancel", "forfeit"])
    if way == "pay":
        money = _money(w, dice, dice.number(1, max(1, total - before)))
        if w.act("plans.pay", {"plan_id": plan_id, **money}, role=Role.STAFF) is not None:
            _moved(w, money)
    elif way == "complete":
        ways = w.ways_to_pay(dice, total - before, who) if total > before else []
        done = w.act("plans.complete", plan_id=plan_id, payments=ways)
        if done is not None:
            w.book(done["sale_id"], [({}, total)], who)
            w.paid_in([*ways, {"method": "plan", "amount": before}], total)
    elif way == "forfeit":
        w.act("plans.forfeit", plan_id=plan_id, reason="gave up", role=Role.STAFF, approver=Role.SUPERVISOR)
    else:
        in_cash = dice.once_in(2)
        form = {"plan_id": plan_id, "reason": "called off"} | ({"method": "cash"} if in_cash else {})
        if w.act("plans.cancel", form, role=Role.STAFF, approver=Role.SUPERVISOR) is not None and in_cash:
            w.told.cash -= before
    return True


def settle(w: Counter, dice: Dice) -> bool:
    owed = w.books[0].ask("SELECT coalesce(sum(amount_minor), 0) FROM financier_entry")[0][0]
    if owed <= 0:
        return False
    money = _money(w, dice, dice.number(1, owed) + dice.of([0, 0, 1_000]))
    if w.act("financiers.settle", {"financier_id": w.things.financier, **money}) is not None:
        w.told.settled += money["amount"]
        _moved(w, money)
    return True


def charge_back(w: Counter, dice: Dice) -> bool:
    """A financier does not pay for a phone; its customer may owe it instead."""
    query = (
        "SELECT sale_id, imei, sum(amount_minor) s FROM financier_entry WHERE sale_id > '' GROUP BY 1, 2 HAVING s > 0"
    )
    rows = w.books[0].ask(f"{query} ORDER BY 1, 2")
    if not rows:
        return False
    sale_id, number, open_minor = dice.of(rows)
    amount, to_customer = dice.number(1, open_minor), dice.once_in(2)
    form = {"imei": number, "amount": amount, "reason": "locked again", "charge_customer": to_customer}
    if w.act("financiers.charge_back", {"financier_id": w.things.financier, **form}) is not None:
        w.told.receivable[sale_id] -= amount
        w.told.charged_back[sale_id] = w.told.charged_back.get(sale_id, 0) + (amount if to_customer else 0)
    return True


def used_phone(w: Counter, dice: Dice) -> tuple[dict[str, Any], int]:
    """A phone somebody brings, and what is offered for it."""
    w.told.used += 1
    grade, offer = dice.of([("A", 300_000), ("B", 250_000), ("B", 240_000)])
    form = {
        "product_id": w.things.phone, "imei1": imei(100 + w.told.used), "grade": grade, "offer": offer,
        "locks_removed": True, "was_reset": True, "network_lock": "none", "states_ownership": True, "seller": SELLER,
    }  # fmt: skip
    return form, offer


def buy_used(w: Counter, dice: Dice) -> bool:
    form, offer = used_phone(w, dice)
    if w.act("usedphones.buy", form, role=Role.STAFF) is not None:
        w.told.cash -= offer
    return True


def trade_in(w: Counter, dice: Dice) -> bool:
    """A used phone as part of the payment, or for more than the ticket."""
    form, offer = used_phone(w, dice)
    item, price = w.item(dice)
    who = dice.of([None, *w.things.people])
    rest = max(0, price - offer)
    ways = w.ways_to_pay(dice, rest, who, has_phone="device_id" in item) if rest else []
    sale = {"items": [item], "payments": ways, "customer_id": who}
    done = w.act("usedphones.trade_in", phone=form, sale=sale)
    if done is not None:
        w.book(done["sale_id"], [(item, price)], who)
        w.paid_in(ways, rest)
        w.told.cash -= max(0, offer - price)
        financed = sum(way["amount"] for way in ways if way["method"] == "financed")
        if financed:
            w.told.receivable[done["sale_id"]] = financed
    return True


def give_phone_back(w: Counter, dice: Dice) -> bool:
    query = """SELECT p.id, p.offer_minor FROM used_purchase p JOIN stock_unit u ON u.id = p.unit_id
        WHERE u.status = 'in_stock' ORDER BY p.id"""
    rows = w.books[0].ask(query)
    if not rows:
        return False
    purchase_id, offer = dice.of(rows)
    role, approver = dice.of([(Role.OWNER, None), (Role.STAFF, Role.SUPERVISOR)])
    form = {"purchase_id": purchase_id, "reason": "changed their mind"}
    if w.act("usedphones.reverse", form, role=role, approver=approver) is not None:
        w.told.cash += offer
    return True


ACCOUNT_PLANS = {
    **TICKET_PLANS, "pay debt": pay_debt, "use credit": use_credit, "sell credit": sell_credit,
    "pay credit out": pay_credit_out, "correct": correct, "find money": find_money, "place money": place_money,
    "agree": agree, "go on": go_on, "settle": settle, "charge back": charge_back, "buy used": buy_used,
    "trade in": trade_in, "give phone back": give_phone_back,
}  # fmt: skip


def things_going_on(w: Counter) -> None:
    """Tickets, debts, credit, plans and a financed phone, so that even a short story meets something."""
    stock_up(w)
    nakato, okello = w.things.people
    phones = w.phones("in_stock")

    def sold(item: dict[str, Any], price: int, who: str | None, *ways: dict[str, Any]) -> None:
        done = w.act("sales.sell", items=[item], payments=list(ways), customer_id=who)
        assert done is not None
        w.book(done["sale_id"], [(item, price)], who)
        w.paid_in(list(ways), price)
        for way in ways:
            if way["method"] == "financed":
                w.told.receivable[done["sale_id"]] = way["amount"]

    glasses = {"product_id": w.things.glass, "quantity": 3}
    sold(glasses, 15_000, nakato, {"method": "cash", "amount": 20_000})
    sold(glasses, 15_000, okello, {"method": "on_account", "amount": 9_000}, {"method": "cash", "amount": 6_000})
    watu = {"method": "financed", "amount": 540_000, "about_id": w.things.financier, "reference": "W1"}
    sold({"device_id": phones[0][0]}, 640_000, nakato, watu, {"method": "cash", "amount": 100_000})
    done = w.act("accounts.sell_store_credit", customer_id=nakato, method="cash", amount=60_000)
    assert done is not None
    w.told.cash += 60_000
    plan = {"kind": "layaway", "customer_id": okello, "items": [{"device_id": phones[1][0]}]}
    assert w.act("plans.open", {**plan, "payments": [{"method": "cash", "amount": 200_000}]}) is not None
    w.told.cash += 200_000
    assert w.act("accounts.receive_unallocated", method="airtel", amount=30_000, reference="LOST1") is not None
