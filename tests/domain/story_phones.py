"""Goods that are sold, come back and go elsewhere in the stories of two shops, and all that is done with a phone."""

from __future__ import annotations

from typing import Any

from shopnode.domain.permissions import Role
from tests.domain.stories import Dice
from tests.domain.story_accounts import SELLER
from tests.domain.story_stock import RESTOCKED, Shops, Sold, SoldLine, made_of, send_both

STATE_AFTER = {"new": "in_stock", "open_box": "in_stock", "bench": "bench", "supplier": "inspect", "scrap": "scrapped",
               "resell": "in_stock", "inspect": "inspect"}  # fmt: skip
# From each state, the acts by hand and the state they lead to.
BY_HAND = {
    "in_stock": [("set_aside", "bench"), ("lend", "lent"), ("report_missing", "missing"), ("reserve", "reserved"),
                 ("write_off", "scrapped")],
    "bench": [("put_back", "in_stock"), ("report_missing", "missing"), ("write_off", "scrapped")],
    "lent": [("give_back", "inspect"), ("report_missing", "missing")],
    "reserved": [("release", "in_stock"), ("write_off", "scrapped")],
    "inspect": [("finish_inspection", "in_stock"), ("set_aside", "bench")],
}  # fmt: skip

# Missed from there, a phone is there again once it is found.
FOUND_AS = {"in_stock": "in_stock", "reserved": "in_stock", "bench": "bench", "lent": "inspect", "inspect": "inspect"}


def _item(w: Shops, dice: Dice, at: int) -> tuple[dict[str, Any], SoldLine, int]:
    """Something to sell, what leaves with it, and its price."""
    t = w.things
    product = dice.of([t.glass, t.kit, t.phone, t.phone_kit, t.charger])
    # Now and then one that is not free, which must be refused.
    free = w.here(at, "bench", "lent", "missing", "sold", "reserved") if dice.once_in(12) else w.here(at, "in_stock")
    if product in (t.phone, t.phone_kit) and free:
        number = dice.of(free).number
        return {"product_id": product, "imeis": [number]}, SoldLine(1, made_of(w)[product], number), t.prices[product]
    product = t.glass if product in (t.phone, t.phone_kit) else product
    pieces = dice.number(1, 4)
    return (
        {"product_id": product, "quantity": pieces},
        SoldLine(pieces, made_of(w)[product]),
        pieces * t.prices[product],
    )


def _left(w: Shops, at: int, sale_id: str, lines: list[SoldLine]) -> None:
    """The goods of a ticket are gone, as its newest lines say."""
    query = "SELECT id FROM sale_line WHERE sale_id = ? ORDER BY amendment_id, line_no"
    ids = [row[0] for row in w.books[at].ask(query, sale_id)][-len(lines) :]
    w.told.sales[sale_id] = Sold(at, dict(zip(ids, lines, strict=True)))
    for line in lines:
        w.move(at, line.parts, -line.quantity)
        if line.phone:
            assert w.told.phones[line.phone].state == "in_stock"
            w.told.phones[line.phone].state, w.told.phones[line.phone].at = "sold", at


def _returned(w: Shops, at: int, line: SoldLine, pieces: int, restock: str) -> None:
    line.back += pieces
    if restock != "scrap":  # what is counted is on the shelf again; bench, supplier and inspection are for the phone
        w.move(at, line.parts, pieces)
    if line.phone:
        phone = w.told.phones[line.phone]
        phone.state, phone.at = STATE_AFTER[restock], at
        if restock == "supplier" and phone.has_supplier:
            phone.state = "supplier"
            (found,) = w.books[at].ask("SELECT id FROM supplier_return WHERE unit_id = ? AND outcome IS NULL",
                                       w.unit(at, phone.number))  # fmt: skip
            w.told.supplier_returns[found[0]] = (phone.number, at)


def sell(w: Shops, dice: Dice) -> bool:
    """A ticket; told twice when the answer was lost, it is booked once."""
    at = dice.number(0, 1)
    chosen = [_item(w, dice, at)]
    if dice.once_in(3):
        chosen += [one for one in [_item(w, dice, at)] if not one[1].phone or one[1].phone != chosen[0][1].phone]
    pay = [{"method": "cash", "amount": sum(price for *_, price in chosen)}]
    form = {"items": [item for item, *_ in chosen], "payments": pay}
    action_id = w.shops[at].home.new_id()
    for _ in range(1 + dice.once_in(3)):
        done = w.act("sales.sell", form, at=at, role=Role.STAFF, action_id=action_id)
    if done is not None:
        _left(w, at, done["sale_id"], [line for _, line, _ in chosen])
    return True


def _is_away(w: Shops, at: int, line: SoldLine) -> bool:
    """Whether the phone of a line is still with whoever bought it."""
    phone = w.told.phones.get(line.phone or "")
    return phone is None or (phone.state, phone.at) == ("sold", at)


def _standing(w: Shops, *, whole: bool = False) -> list[tuple[str, str, SoldLine]]:
    return [
        (sale_id, line_id, line)
        for sale_id, sale in w.told.sales.items() if not sale.undone
        for line_id, line in sale.lines.items()
        if _is_away(w, sale.at, line) and (not any(one.back for one in sale.lines.values()) if whole
                                           else line.back < line.quantity)
    ]  # fmt: skip


def take_back(w: Shops, dice: Dice) -> bool:
    """Some of it comes back, in each of the ways; or goods are exchanged for others."""
    choices = _standing(w)
    if not choices:
        return False
    sale_id, line_id, line = dice.of(choices)
    at = w.told.sales[sale_id].at
    restock = dice.of([*RESTOCKED, "scrap", *(["bench", "supplier"] if line.phone else [])])
    pieces = min(dice.number(1, 2), line.quantity - line.back) + (1 if dice.once_in(12) else 0)
    asked = {"sale_line_id": line_id, "quantity": pieces, "restock": restock, "imei": line.phone}
    form: dict[str, Any] = {"sale_id": sale_id, "lines": [asked], "reason": "not wanted"}
    if dice.once_in(3):
        item, sold, price = _item(w, dice, at)
        pay = [{"method": "cash", "amount": price}]
        done = w.act("returns.exchange", form, at=at, sale={"items": [item], "payments": pay})
        if done is not None:
            _left(w, at, done["sale_id"], [sold])
    else:
        done = w.act("returns.take_back", form, at=at)
    if done is not None:
        _returned(w, at, line, pieces, restock)
    return True


def undo(w: Shops, dice: Dice) -> bool:
    sales = sorted({sale_id for sale_id, *_ in _standing(w, whole=True)})
    sales = [
        key
        for key in sales
        if all(_is_away(w, w.told.sales[key].at, line) for line in w.told.sales[key].lines.values())
    ]
    if not sales:
        return False
    sale_id = dice.of(sales)
    sale, restock = w.told.sales[sale_id], dice.of(["resell", "inspect", "scrap"])
    form = {"sale_id": sale_id, "reason": "came back", "restock": restock}
    done = w.act(dice.of(["sales.void", "sales.reverse"]), form, at=sale.at)
    if done is not None:
        sale.undone = True
        for line in sale.lines.values():
            _returned(w, sale.at, line, line.quantity, restock)
        if dice.once_in(2):
            assert w.act("sales.reverse", form, at=sale.at) is None
    return True


def amend(w: Shops, dice: Dice) -> bool:
    """Fewer pieces than were written down."""
    choices = [one for one in _standing(w, whole=True) if len(w.told.sales[one[0]].lines) == 1 and one[2].quantity > 1]
    if not choices:
        return False
    sale_id, line_id, line = dice.of(choices)
    at, fewer = w.told.sales[sale_id].at, dice.number(1, line.quantity - 1)
    product = w.books[at].ask("SELECT product_id FROM sale_line WHERE id = ?", line_id)[0][0]
    items = [{"product_id": product, "quantity": fewer}]
    if w.act("sales.amend", at=at, sale_id=sale_id, reason="counted again", items=items) is not None:
        w.move(at, line.parts, line.quantity)
        _left(w, at, sale_id, [SoldLine(fewer, line.parts)])
    return True


def claim(w: Shops, dice: Dice) -> bool:
    """A glass or a phone under warranty is replaced by another."""
    glass = made_of(w)[w.things.glass]
    choices = [one for one in _standing(w) if one[2].parts == ({} if one[2].phone else glass)]
    if not choices:
        return False
    sale_id, line_id, line = dice.of(choices)
    at = w.told.sales[sale_id].at
    restock = dice.of(["supplier", "bench", "scrap"] if line.phone else ["new", "scrap"])
    form: dict[str, Any] = {"sale_line_id": line_id, "outcome": "replace", "reason": "dead pixels", "restock": restock}
    new = SoldLine(1, line.parts)
    if line.phone:
        free = w.here(at, "in_stock")
        if not free:
            return False
        new.phone = dice.of(free).number
        form |= {"imei": line.phone, "new_imei": new.phone}
    done = w.act("returns.claim_warranty", form, at=at)
    if done is not None:
        _left(w, at, done["sale_id"], [new])
        _returned(w, at, line, 1, restock)
    return True


def by_hand(w: Shops, dice: Dice) -> bool:
    """A phone changes its state, or what is not possible from where it is is refused."""
    at = dice.number(0, 1)
    phones = w.here(at, *BY_HAND, "missing", "scrapped", "sold") if dice.once_in(6) else w.here(at, *BY_HAND)
    if not phones:
        return False
    phone = dice.of(phones)
    acts = BY_HAND.get(phone.state)
    verb, after = dice.of(acts or BY_HAND["bench"][:1])
    form = {"unit_id": w.unit(at, phone.number), "reason": "as told"}
    form |= {"outcome": "resell"} if verb == "finish_inspection" else {}
    done = w.act(f"handsets.{verb}", form, at=at)
    if done is not None:
        assert acts is not None and done["status"] == after
        phone.found_as = FOUND_AS[phone.state]
        phone.state = after
    return True


def find(w: Shops, dice: Dice) -> bool:
    """A missing phone is here again, where it was missed from."""
    missing = [phone for at in (0, 1) for phone in w.here(at, "missing")]
    if not missing:
        return False
    phone = dice.of(missing)
    done = w.act(
        "handsets.report_found", at=phone.at or 0, unit_id=w.unit(phone.at or 0, phone.number), reason="as told"
    )
    assert done is not None and done["status"] == phone.found_as
    phone.state = done["status"]
    return True


def to_supplier(w: Shops, dice: Dice) -> bool:
    """A phone goes back to its supplier, or comes from there: mended, refused, replaced or credited."""
    at = dice.number(0, 1)
    phones, waiting = w.here(at, "in_stock", "inspect", "bench"), sorted(w.told.supplier_returns)
    if phones and not (waiting and dice.once_in(2)):
        phone = dice.of(phones)
        form = {"unit_id": w.unit(at, phone.number), "supplier_id": w.things.supplier, "reason": "dead on arrival"}
        done = w.act("suppliers.send_back", form, at=at)
        assert done is not None
        w.told.supplier_returns[done["return_id"]] = (phone.number, at)
        phone.state = "supplier"
        return True
    if not waiting:
        return False
    return_id = dice.of(waiting)
    number, at = w.told.supplier_returns[return_id]
    outcome = dice.of(["repaired", "refused", "credited", "replaced"])
    new = w.new_number() if outcome == "replaced" else None
    form = {"return_id": return_id, "outcome": outcome} | ({"replacement": {"imei1": new}} if new else {})
    assert w.act("suppliers.end_return", form, at=at) is not None
    del w.told.supplier_returns[return_id]
    after = {"repaired": "in_stock", "refused": "inspect"}.get(outcome, "scrapped")
    w.told.phones[number].state = after
    if new:
        w.came(at, new, has_supplier=True)
    if dice.once_in(2):
        assert w.act("suppliers.end_return", form, at=at) is None
    return True


def buy(w: Shops, dice: Dice) -> bool:
    """Somebody sells us a phone: one that was never here, one we sold, or one that stands here, which is refused."""
    at = dice.number(0, 1)
    sold = [phone.number for phone in w.told.phones.values() if phone.state == "sold"]
    standing = [phone.number for phone in w.here(at, "in_stock", "bench", "missing")]
    number = dice.of([w.new_number(), *sold, *standing[:1]])
    form = {
        "product_id": w.things.phone, "imei1": number, "grade": "B", "offer": 250_000, "locks_removed": True,
        "was_reset": True, "network_lock": "none", "states_ownership": True, "seller": SELLER,
    }  # fmt: skip
    done = w.act("usedphones.buy", form, at=at, role=Role.STAFF)
    if done is not None:
        assert number not in standing
        w.came(at, number)
    return True


def give_back(w: Shops, dice: Dice) -> bool:
    """A bought phone goes back to its seller, as long as it stands here; once."""
    at = dice.number(0, 1)
    query = """SELECT p.id, h.imei1, u.status FROM used_purchase p JOIN stock_unit u ON u.id = p.unit_id
        JOIN handset h ON h.id = u.handset_id ORDER BY p.id"""
    rows = w.books[at].ask(query)
    if not rows:
        return False
    purchase_id, number, status = dice.of(rows)
    if w.act("usedphones.reverse", at=at, purchase_id=purchase_id, reason="changed their mind") is not None:
        assert status in ("in_stock", "inspect", "bench")
        w.told.phones[number].state = "scrapped"
    return True


def mend(w: Shops, dice: Dice) -> bool:
    """A glass from the shelf goes into a phone."""
    at = dice.number(0, 1)
    phones = w.here(at, "bench", "in_stock")
    if not phones:
        return False
    pieces = dice.number(1, 2)
    form = {"unit_id": w.unit(at, dice.of(phones).number), "kind": "part", "product_id": w.things.glass}
    if w.act("usedphones.add_cost", {**form, "quantity": pieces}, at=at) is not None:
        w.told.levels[at, w.things.glass] -= pieces
    return True


SELLING_PLANS = {"sell": sell, "take back": take_back, "undo": undo, "amend": amend, "claim": claim}
PHONE_PLANS = {
    "by hand": by_hand, "find": find, "buy": buy, "by hand again": by_hand, "to supplier": to_supplier,
    "by hand once more": by_hand, "mend": mend, "give back": give_back,
}  # fmt: skip


def stocked_world() -> Shops:
    """Pieces and phones in both shops, tickets in each, and some of both on their way to the other."""
    w = Shops()
    t = w.things
    for at in (0, 1):
        for product, pieces in ((t.glass, 40), (t.charger, 12)):
            form = {"product_id": product, "quantity": pieces, "reason": "opening stock", "kind": "opening"}
            assert w.act("stock.adjust", form, at=at) is not None
            w.told.levels[at, product] = pieces
        for n in range(9):
            number, supplier = w.new_number(), {"supplier_id": t.supplier} if n % 2 else {}
            assert w.act("handsets.receive", at=at, product_id=t.phone, imei1=number, **supplier) is not None
            w.came(at, number, has_supplier=bool(supplier))
        free = [phone.number for phone in w.here(at, "in_stock")]
        for product, pieces, number in (
            (t.glass, 3, None),
            (t.kit, 2, None),
            (t.phone_kit, 1, free[0]),
            (t.phone, 1, free[1]),
        ):
            item = {"product_id": product, "quantity": pieces} | ({"imeis": [number]} if number else {})
            pay = [{"method": "cash", "amount": pieces * t.prices[product]}]
            done = w.act("sales.sell", items=[item], payments=pay, at=at)
            assert done is not None
            _left(w, at, done["sale_id"], [SoldLine(pieces, made_of(w)[product], number)])
        for number, state in zip(free[2:], ("bench", "lent", "reserved", "missing"), strict=False):
            verb = next(verb for verb, after in BY_HAND["in_stock"] if after == state)
            assert w.act(f"handsets.{verb}", at=at, unit_id=w.unit(at, number), reason="as told") is not None
            w.told.phones[number].state = state
        assert buy(w, Dice((at, 0, 0)))
    for at in (0, 1):
        send_both(w, at, t.glass, 4, w.here(at, "in_stock")[0])
    w.carry()
    w.begin_with(w.told)
    w.counts.accepted.clear()
    return w
