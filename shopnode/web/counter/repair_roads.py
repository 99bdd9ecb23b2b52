"""The side roads of a repair at the counter: one page with what may be done now beside mending it, and who waits to be
fetched. Each road is one action of the domain; this table says which, when it is open, and what it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.buying.queries import search_suppliers
from shopnode.domain.catalogue.queries import product_view
from shopnode.domain.errors import Invalid, NotFound, ShopError
from shopnode.domain.handsets.queries import find_unit_by_number
from shopnode.domain.paging import PAGE_MAX
from shopnode.domain.people.queries import all_shops
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.benches import find_way
from shopnode.domain.repairs.models import RepairStatus, RepairTicket
from shopnode.domain.repairs.outwork import outwork_of
from shopnode.domain.repairs.queries import find_ticket, paid_so_far
from shopnode.domain.repairs.rules import AT_WORK, ENDED, READY
from shopnode.domain.repairs.unclaimed import WAITING, waiting_list
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_words import BACK_WAYS, METHODS, VIAS, shown_errors
from shopnode.web.counter.screen import gone_to
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act

STEPS = {"remind": "Remind the owner", "mark_unclaimed": "Mark it unclaimed", "final_notice": "Give the final notice",
         "dispose": "Sell it or throw it away"}  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """One field of a road's form."""

    name: str
    label: str
    kind: str = "text"  # text, date, money, choice, shop, supplier, model (of a phone in the catalogue)
    optional: bool = False
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Road:
    """Something that may be done with a ticket beside mending it."""

    action: str
    title: str
    button: str
    needs: Permission
    is_open: Callable[[RepairTicket], bool]
    asks: tuple[Ask, ...] = ()


def _at_work(ticket: RepairTicket) -> bool:
    return ticket.status in AT_WORK


def _is(*statuses: RepairStatus) -> Callable[[RepairTicket], bool]:
    return lambda ticket: ticket.status in statuses


_BACK = (("repaired", "Mended"), ("not_repaired", "Not mended"))
_NOTES = Ask("notes", "Notes", optional=True)
_VIA = Ask("via", "How", "choice", choices=tuple(VIAS))
_BY = (Ask("method", "Paid by", "choice", choices=tuple(METHODS)), Ask("reference", "Transaction ID", optional=True))
P, S = Permission, RepairStatus
ROADS: Mapping[str, Road] = {
    "lend": Road("repairs.lend_phone", "Lend a phone meanwhile", "Lend it", P.REPAIRS_CREATE,
                 lambda ticket: ticket.is_editable and ticket.loaner_unit_id is None and ticket.status != S.STOLEN,
                 (Ask("number", "IMEI or serial of our phone"), _NOTES)),
    "loaner-back": Road("repairs.take_loaner_back", "Our phone is back", "Take it back", P.REPAIRS_CREATE,
                        lambda ticket: ticket.loaner_unit_id is not None,
                        (Ask("outcome", "What becomes of it", "choice",
                             choices=(("inspect", "Look at it first"), ("resell", "Back on sale"))), _NOTES)),
    "loaner-kept": Road("repairs.charge_loaner", "The customer keeps our phone, or lost it", "Take the money",
                        P.REPAIRS_CREATE, lambda ticket: ticket.loaner_unit_id is not None,
                        (Ask("amount", "What they pay for it", "money"), *_BY, Ask("reason", "Why"))),
    "give-back": Road("repairs.give_back", "Give money back", "Give it back", P.ACCOUNTS_COLLECT,
                      lambda ticket: ticket.sale_id is None,
                      (Ask("amount", "How much", "money"), Ask("method", "How", "choice", choices=tuple(BACK_WAYS)),
                       Ask("reference", "Transaction ID", optional=True), Ask("reason", "Why"))),
    "send-out": Road("repairs.send_out", "Somebody else mends it", "Send it out", P.REPAIRS_UPDATE, _at_work,
                     (Ask("supplier_id", "Workshop", "supplier"), Ask("sent_to", "Or to whom", optional=True),
                      Ask("due_on", "Back by", "date", True),
                      Ask("cost", "What it costs us", "money", True), _NOTES)),
    "back-in": Road("repairs.take_back_in", "It is back", "Take it back in", P.REPAIRS_UPDATE, _is(S.OUTSOURCED),
                    (Ask("outcome", "How", "choice", choices=_BACK), Ask("cost", "What it cost us", "money", True),
                     _NOTES)),
    "outwork-right": Road("repairs.correct_outwork", "Put right what the others said", "Put it right",
                          P.REPAIRS_UPDATE, lambda ticket: ticket.is_editable and ticket.status not in ENDED,
                          (Ask("due_on", "Back by", "date", True), Ask("cost", "What it costs us", "money", True),
                           Ask("reason", "Why"))),
    "to-branch": Road("repairs.send_to_branch", "Another branch mends it", "Send it there", P.REPAIRS_UPDATE,
                      lambda ticket: _at_work(ticket) and ticket.came_by_id is None,
                      (Ask("to_shop_id", "Which branch", "shop"), _NOTES)),
    "send-home": Road("repairs.send_home", "Back to the branch it came from", "Send it back", P.REPAIRS_UPDATE,
                      lambda ticket: ticket.came_by_id is not None and ticket.status in READY,
                      (Ask("labor_cost", "Our labour", "money", True), _NOTES)),
    "remind": Road("repairs.remind", "Remind its owner", "Write it down", P.REPAIRS_UPDATE, _is(*WAITING),
                   (_VIA, Ask("message", "In other words", optional=True))),
    "storage": Road("repairs.charge_storage", "Charge storage until today", "Charge it", P.REPAIRS_UPDATE,
                    _is(*WAITING), (Ask("amount", "Less than it comes to", "money", True),
                                    Ask("reason", "Why less", optional=True))),
    "unclaimed": Road("repairs.mark_unclaimed", "Nobody comes for it", "Mark it unclaimed", P.REPAIRS_UPDATE,
                      _is(*READY)),
    "final-notice": Road("repairs.final_notice", "Tell its owner for the last time", "Write it down",
                         P.REPAIRS_UPDATE, _is(S.UNCLAIMED), (_VIA, Ask("message", "In other words", optional=True))),
    "throw-away": Road("repairs.dispose", "Throw it away", "Throw it away", P.REPAIRS_DELETE, _is(S.UNCLAIMED),
                       (Ask("reason", "Why"),)),
    "sell-off": Road("repairs.dispose", "Sell it", "Sold", P.REPAIRS_DELETE, _is(S.UNCLAIMED),
                     (Ask("amount", "What it brought", "money"), *_BY, Ask("reason", "To whom"))),
    "keep": Road("repairs.dispose", "Keep it, into stock", "Take it into stock", P.REPAIRS_DELETE, _is(S.UNCLAIMED),
                 (Ask("product_id", "Model", "model"), Ask("amount", "What it is worth to us", "money"),
                  Ask("imei1", "IMEI, where the ticket has none", optional=True),
                  Ask("grade", "Grade", optional=True), Ask("reason", "Why"))),
    "stolen": Road("repairs.lock_stolen", "It is stolen", "Hold it", P.REPAIRS_UPDATE,
                   lambda ticket: ticket.is_editable and ticket.status not in (S.STOLEN, S.CANCELLED, S.BOUGHT,
                                                                               S.DISPOSED),
                   (Ask("reason", "Who says so, or the police's number"),)),
    "clear": Road("repairs.clear_stolen", "It is not stolen", "Let it go on", P.REPAIRS_DELETE, _is(S.STOLEN),
                  (Ask("reason", "Why"),)),
    "passcode": Road("repairs.store_passcode", "The customer tells the passcode", "Keep it in the vault",
                     P.REPAIRS_CREATE, _is(*AT_WORK, S.QUALITY_CHECK),
                     (Ask("passcode", "Passcode"),)),
    "cancel": Road("repairs.cancel", "It was written by mistake", "Cross it out", P.REPAIRS_DELETE, _at_work,
                   (Ask("reason", "Why"),)),
}  # fmt: skip
FIXED: Mapping[str, dict[str, Any]] = {
    "throw-away": {"outcome": "scrapped"}, "sell-off": {"outcome": "sold"}, "keep": {"outcome": "kept"},
}  # fmt: skip
# Left empty, they are what somebody still has to say.
NEEDED = {"amount": "is needed", "product_id": "is needed: choose the phone's model"}


@bp.get("/repairs/<id:ticket_id>/roads")
def repair_roads(ticket_id: str) -> str:
    """What may be done with a repair beside mending it."""
    values = _values(ticket_id, request.args.get("open", ""), {}, {})
    ticket = values["ticket"]
    crumbs = [("Repairs", url_for("counter.repairs")), (ticket.number, url_for("counter.repair", ticket_id=ticket.id)),
              ("More", None)]  # fmt: skip
    return page("counter/repair_roads.html", crumbs=crumbs, **values)


@bp.post("/repairs/<id:ticket_id>/roads/<name>")
def walk_repair_road(ticket_id: str, name: str) -> str | Response:
    """Do one of them; refused, with what was typed."""
    typed, road = posted(), ROADS.get(name)
    if road is None:
        raise NotFound("This")
    on_refusal(lambda error: _drawn(ticket_id, name, typed, error))
    wish = Wish(road.action, {**_about(ticket_id, name), **FIXED.get(name, {}), **_asked(name, road, typed)})

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed, f"#approval-{name}")
        return _drawn(ticket_id, name, typed, error)

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed, f"#approval-{name}")
    act(road.action, wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.repair", ticket_id=ticket_id))


@bp.get("/repairs/waiting")
def repairs_waiting() -> str:
    """Devices that wait for their owners, and what is to be done about each."""
    crumbs = [("Repairs", url_for("counter.repairs")), ("Not fetched", None)]
    return page("counter/repairs_waiting.html", rows=waiting_list(g.ctx), steps=STEPS, crumbs=crumbs)


def _about(ticket_id: str, name: str) -> dict[str, str]:
    """Most roads are about the ticket; one is about the last time that others had the device. Raises NotFound."""
    if name != "outwork-right":
        return {"ticket_id": ticket_id}
    away = outwork_of(g.ctx.session, find_ticket(g.ctx, ticket_id).id)
    if not away:
        raise NotFound("This outside work")
    return {"outwork_id": away[-1].id}


def _asked(name: str, road: Road, typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, as the action takes it; what was left empty is left out. Raises Invalid, NotFound."""
    form: dict[str, Any] = {}
    for ask in road.asks:
        text = typed.get(ask.name, "").strip()
        if ask.kind == "money":
            amount = asked_money(typed, ask.name, default=None)
            form |= {} if amount is None else {ask.name: amount}
        elif ask.name == "number":
            if not text:
                raise Invalid({"number": "is needed: scan the phone that is lent"})
            form["unit_id"] = find_unit_by_number(g.ctx, text).unit_id
        elif text:
            form[ask.name] = text
    asked = {ask.name for ask in road.asks if not ask.optional}
    missing = {name: words for name, words in NEEDED.items() if name in asked and name not in form}
    if missing:
        raise Invalid(missing)
    if name == "loaner-kept":
        way = {"method": form.pop("method", "cash"), "reference": form.pop("reference", None), "amount": form["amount"]}
        form["payments"] = [way]
    if name == "sell-off":
        way = form.pop("method", "cash")
        form |= {"method": way} if form["amount"] else {}  # where nothing was paid, there is no way of it
    return form


def _values(ticket_id: str, about: str, typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    ticket = find_ticket(g.ctx, ticket_id)
    outwork = outwork_of(g.ctx.session, ticket.id)
    away = [work for work in outwork if work.back_at is None]
    came = find_way(g.ctx, ticket.came_by_id) if ticket.came_by_id else None
    shops = [(shop.id, shop.name) for shop in all_shops(g.ctx.session)
             if shop.id != g.ctx.shop_id and shop.archived_at is None]  # fmt: skip
    suppliers = search_suppliers(g.ctx.session, limit=PAGE_MAX).rows if g.ctx.may(Permission.SUPPLIERS_READ) else []
    shut = _shut(ticket, bool(shops), bool(outwork))
    roads = [(name, road) for name, road in ROADS.items() if g.ctx.may(road.needs) and road.is_open(ticket)]
    return {
        "ticket": ticket, "away": away[0] if away else None, "came": came, "about": about, "typed": typed,
        "errors": errors,
        "roads": [(name, road) for name, road in roads if name not in shut], "shops": shops,
        "suppliers": [("", "None of our suppliers"), *((row.id, row.name) for row in suppliers)],
        "may_buy": _may_buy(ticket), "models": _models(typed.get("product_id")), "chosen": typed.get("product_id"),
    }  # fmt: skip


def _shut(ticket: RepairTicket, has_branches: bool, was_out: bool) -> set[str]:
    """Roads that the ticket alone does not shut."""
    shut = (
        ("to-branch", not has_branches), ("outwork-right", not was_out),
        ("give-back", paid_so_far(g.ctx.session, ticket.id) <= 0),
    )  # fmt: skip
    return {name for name, is_shut in shut if is_shut}


def _may_buy(ticket: RepairTicket) -> bool:
    is_here = ticket.status in (*AT_WORK, *WAITING) and ticket.came_by_id is None
    return is_here and g.ctx.may(Permission.USED_BUY) and g.ctx.may(Permission.REPAIRS_UPDATE)


def _models(product_id: str | None) -> list[Any]:
    """The model that was chosen before a refusal."""
    try:
        return [product_view(g.ctx, product_id)] if product_id else []
    except ShopError:
        return []


def _drawn(ticket_id: str, name: str, typed: Mapping[str, str], error: ShopError) -> str:
    road = ROADS[name]
    typed = {field: text for field, text in typed.items() if field != "passcode"}  # it is written nowhere
    errors = shown_errors(error, {ask.name for ask in road.asks}, payments="amount")
    return part("counter/_repair_roads.html", **_values(ticket_id, name, typed, errors))
