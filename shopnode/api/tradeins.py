"""Phones bought from people, alone or traded in; the table that values them; numbers that nobody touches."""

from __future__ import annotations

import io

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.tradein_shapes import (
    BlockOut,
    BlockPage,
    BlockQuery,
    Bought,
    Brought,
    CostIn,
    ErasedOut,
    ExpiredOut,
    GivenBack,
    IdentityOut,
    TableFile,
    TableImported,
    TradeInOut,
    TradeInPage,
    TradeInQuery,
    ValuationOut,
    ValuationPage,
    ValuationQuery,
    ValueOut,
    ValueQuery,
    block_out,
    identity_out,
    table_imported,
    trade_in_fields,
    valuation_out,
)
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Permission
from shopnode.domain.usedphones.blocking import BlockNumber, block_view, list_blocked
from shopnode.domain.usedphones.identities import LOOK, expired_identities, identity_of
from shopnode.domain.usedphones.imports import import_valuations
from shopnode.domain.usedphones.queries import PurchaseFilter, list_purchases, purchase_view
from shopnode.domain.usedphones.rules import read_grade
from shopnode.domain.usedphones.valuations import SetValuation, list_valuations, table_value, valuation_view


@route("POST", "/trade-ins", action="usedphones.buy", status=201, takes_approval=True)
def buy_phone(call: Call, body: Brought) -> Bought:
    """Buy a phone from a person, or trade it in for a sale that comes with it: one ticket, its net amount."""
    given = body.model_dump(exclude_unset=True, exclude={"sale", "payout"})
    payout = {"payout": body.payout.model_dump(exclude_unset=True)} if "payout" in body.model_fields_set else {}
    if body.sale is None:
        done = call.perform({**given, **payout}).result
    else:
        form = {"phone": given, "sale": body.sale.model_dump(exclude_unset=True), **payout}
        names = {f"phone.{name}": name for name in type(body).model_fields}
        done = call.perform(form, action="usedphones.trade_in", names=names).result
    told = {"traded_in": done.get("traded_in", 0), "change": done.get("change", 0), "warnings": done["notes"]}
    view = purchase_view(call.ctx, done["purchase_id"])
    return Bought(**trade_in_fields(view), paid_out=done["paid_out"], slip=done["slip"], **told)


@route("GET", "/trade-ins", needs=Permission.USED_BUY)
def list_trade_ins(call: Call, query: TradeInQuery) -> TradeInPage:
    """List phones that were bought from people, the latest first; `q` is an agreement's number, or an IMEI, whole."""
    wanted = PurchaseFilter(query.q, query.product_id, query.traded_in, query.reversed)
    page = list_purchases(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return TradeInPage(items=[TradeInOut(**trade_in_fields(view)) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/trade-ins/<purchase_id>", needs=Permission.USED_BUY)
def get_trade_in(call: Call, purchase_id: str) -> TradeInOut:
    """One purchase."""
    return TradeInOut(**trade_in_fields(purchase_view(call.ctx, purchase_id)))


@route("POST", "/trade-ins/<purchase_id>/reverse", action="usedphones.reverse", takes_approval=True)
def reverse_trade_in(call: Call, purchase_id: str, body: GivenBack) -> TradeInOut:
    """Give a phone back to its seller and take the money back."""
    call.perform({"purchase_id": purchase_id, **body.model_dump(exclude_unset=True)})
    return TradeInOut(**trade_in_fields(purchase_view(call.ctx, purchase_id)))


@route("GET", "/trade-ins/<purchase_id>/identity", action=LOOK)
def get_seller_identity(call: Call, purchase_id: str) -> IdentityOut:
    """Who sold a phone. The look is written down first, with who looked and when."""
    call.perform({"purchase_id": purchase_id})
    return identity_out(identity_of(call.ctx, purchase_id))


@route("DELETE", "/trade-ins/<purchase_id>/identity", action="usedphones.erase_identity", status=204)
def erase_seller_identity(call: Call, purchase_id: str) -> None:
    """Erase who sold a phone, with the photos. The purchase stays in the books."""
    call.perform({"purchase_id": purchase_id})


@route("POST", "/devices/<device_id>/costs", action="usedphones.add_cost", status=204)
def add_device_cost(call: Call, device_id: str, body: CostIn) -> None:
    """Add a part, labour or a fee to what a phone cost."""
    call.perform({"unit_id": device_id, **body.model_dump(exclude_unset=True, mode="json")})


@route("GET", "/valuations", needs=Permission.USED_BUY)
def list_all_valuations(call: Call, query: ValuationQuery) -> ValuationPage:
    """The table: what is paid for which model in which storage and grade."""
    page = list_valuations(
        call.ctx, product_id=query.product_id, archived=query.archived, limit=query.limit, cursor=query.cursor or None
    )
    return ValuationPage(items=[valuation_out(view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/valuations/value", needs=Permission.USED_BUY, other_statuses=(404,))
def get_value(call: Call, query: ValueQuery) -> ValueOut:
    """What the table pays for one phone."""
    try:
        grade = read_grade(query.grade)
    except ValueError as wrong:
        raise Invalid({"grade": str(wrong)}) from None
    product = find_product(call.ctx.session, query.product_id)
    return ValueOut(offer=table_value(call.ctx.session, product.id, query.storage, grade))


@route("POST", "/valuations", action="usedphones.set_valuation", status=201)
def set_valuation(call: Call, body: SetValuation) -> ValuationOut:
    """Set a line of the table, or change it."""
    done = call.perform(body)
    return valuation_out(valuation_view(call.ctx, done.result["id"]))


@route("POST", "/valuations/import", action="usedphones.set_valuation")
def import_valuation_table(call: Call, body: TableFile) -> TableImported:
    """Read the table from a file, line by line or all or nothing."""
    file = io.BytesIO(body.csv.encode("utf-8", "replace"))
    results = list(import_valuations(call.ctx, file, dry_run=body.dry_run, whole=body.all_or_nothing))
    return table_imported(results, dry_run=body.dry_run)


@route("DELETE", "/valuations/<valuation_id>", action="usedphones.archive_valuation")
def archive_valuation(call: Call, valuation_id: str) -> ValuationOut:
    """Take a line off the table. It is archived, not deleted."""
    call.perform({"valuation_id": valuation_id})
    return valuation_out(valuation_view(call.ctx, valuation_id))


@route("GET", "/blocked-numbers", needs=Permission.USED_BUY)
def list_blocked_numbers(call: Call, query: BlockQuery) -> BlockPage:
    """Phones that are neither bought, nor received, nor sold, the latest first."""
    page = list_blocked(
        call.ctx, lifted=query.lifted, number=query.number, limit=query.limit, cursor=query.cursor or None
    )
    return BlockPage(items=[block_out(view) for view in page.rows], next_cursor=page.next_cursor)


@route("POST", "/blocked-numbers", action="usedphones.block_number", status=201)
def block_phone_number(call: Call, body: BlockNumber) -> BlockOut:
    """Block a phone by its number."""
    return block_out(block_view(call.ctx, call.perform(body).result["id"]))


@route("POST", "/blocked-numbers/<block_id>/lift", action="usedphones.lift_block", takes_approval=True)
def lift_blocked_number(call: Call, block_id: str) -> BlockOut:
    """Lift a block."""
    call.perform({"number": block_view(call.ctx, block_id).number})
    return block_out(block_view(call.ctx, block_id))


@route("POST", "/expired-identities/erase", action="usedphones.erase_expired")
def erase_expired_identities(call: Call) -> ErasedOut:
    """Erase every seller whose time is over, at most 200 at once."""
    return ErasedOut(**call.perform({}).result)


@route("GET", "/expired-identities", needs=Permission.CUSTOMERS_ERASE)
def list_expired_identities(call: Call) -> ExpiredOut:
    """Purchases whose seller's time is over and who is not erased yet, the oldest first, at most 200."""
    return ExpiredOut(purchase_ids=expired_identities(call.ctx.session, call.ctx.now))
