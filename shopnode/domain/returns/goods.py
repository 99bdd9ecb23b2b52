"""What comes back, weighed before anything is written: which sale, which pieces, what they are worth.

Nothing here writes. A phone is taken back by its own number alone (rule 51), and of a line no more than was sold, in
pieces and in money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.handsets.numbers import handsets_by_number
from shopnode.domain.handsets.rules import bare_number, read_imei
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.returns.errors import NoSuchReceipt, NothingLeft, WrongPhone
from shopnode.domain.returns.forms import BackLine, ComesBack
from shopnode.domain.returns.models import RestockDecision
from shopnode.domain.returns.queries import first_sold_on, returned_by_line
from shopnode.domain.returns.rules import days_late, open_box_fee, paid_by_line, worth_back
from shopnode.domain.sales.coming import refuse_unpaid
from shopnode.domain.sales.errors import NotYourSale, SaleUndone
from shopnode.domain.sales.lookup import lines_now, unit_of_line
from shopnode.domain.sales.models import Sale, SaleLine, SaleStatus, SaleSummary
from shopnode.domain.sales.rules import UNDONE
from shopnode.domain.settings.queries import number_setting


@dataclass(frozen=True)
class Coming:
    """Pieces of one line."""

    line: SaleLine
    unit: StockUnit | None
    quantity: int
    restock: RestockDecision
    worth_minor: int  # what was paid for them


@dataclass(frozen=True)
class Goods:
    """All that comes back of one sale."""

    sale: Sale
    summary: SaleSummary
    lines: list[Coming]
    fee_minor: int
    usual_fee_minor: int  # by the settings
    by_number: bool  # every line was named by the number on the phone

    @property
    def worth_minor(self) -> int:
        return sum(coming.worth_minor for coming in self.lines)

    @property
    def refund_minor(self) -> int:
        """What the customer gets."""
        return self.worth_minor - self.fee_minor


def weigh(ctx: Context, form: ComesBack) -> Goods:
    """What would come back. Raises NotFound, NoSuchReceipt, WrongPhone, NothingLeft, Invalid."""
    sale, summary = _sale_of(ctx, form)
    refuse_unpaid(ctx.session, sale, summary.total_minor)
    lines = lines_now(ctx.session, sale.id)
    nets = [line.quantity * line.unit_price_minor - line.discount_minor for line in lines]
    ticket_discount = summary.discount_minor - sum(line.discount_minor for line in lines)
    paid = dict(zip((line.id for line in lines), paid_by_line(nets, ticket_discount), strict=True))
    before = returned_by_line(ctx.session, sale.id)
    found: list[Coming] = []
    for position, asked in enumerate(form.lines):
        line, unit = _line_of(ctx, sale, lines, asked, f"lines.{position}")
        gone = before.get(line.id, 0)
        if gone + asked.quantity > line.quantity:
            raise NothingLeft(line.item_name, line.quantity - gone)
        worth = worth_back(paid[line.id], line.quantity, gone, asked.quantity)
        before[line.id] = gone + asked.quantity
        found.append(Coming(line, unit, asked.quantity, RestockDecision(asked.restock), worth))
    usual = _usual_fee(ctx.session, found)
    fee = usual if form.fee_amount is None else form.fee_amount
    if fee > sum(coming.worth_minor for coming in found):
        raise Invalid({"fee_amount": "is more than the goods are worth"})
    return Goods(sale, summary, found, fee, usual, all(asked.imei for asked in form.lines))


def _usual_fee(session: Session, found: list[Coming]) -> int:
    opened = [coming for coming in found if coming.restock is RestockDecision.OPEN_BOX]
    if not opened:
        return 0
    rate_bp = number_setting(session, "open_box_fee_bp")
    return sum(open_box_fee(coming.worth_minor, True, rate_bp) for coming in opened)


def _sale_of(ctx: Context, form: ComesBack) -> tuple[Sale, SaleSummary]:
    """The sale, whoever of this shop made it. Raises NotFound, NoSuchReceipt, NotYourSale, SaleUndone."""
    session = ctx.session
    if form.sale_id:
        wanted = SaleSummary.sale_id == form.sale_id
    elif form.sale_number:
        wanted = SaleSummary.number == form.sale_number.upper()
    else:
        first = next((asked.imei for asked in form.lines if asked.imei), None)
        if first is None:
            raise NoSuchReceipt
        wanted = SaleSummary.sale_id == line_of_number(ctx, first).sale_id
    summary = session.scalars(select(SaleSummary).where(wanted).limit(1)).first()
    if summary is None:
        raise NotFound("This sale")
    if summary.shop_id != ctx.shop_id:
        raise NotYourSale
    if SaleStatus(summary.status) in UNDONE:
        raise SaleUndone(summary.number, summary.status)
    return find_row(session, Sale, summary.sale_id, "This sale"), summary


def line_of_number(ctx: Context, typed: str) -> SaleLine:
    """The line that sold the phone of this number, last and here. Raises NotFound."""
    ids = [handset.id for handset in handsets_by_number(ctx.session, _spellings(typed))]
    query = (
        select(SaleLine)
        .join(StockUnit, StockUnit.sold_line_id == SaleLine.id)
        .where(StockUnit.handset_id.in_(ids), StockUnit.shop_id == ctx.shop_id)
        .order_by(SaleLine.id.desc())
    )
    line = ctx.session.scalars(query.limit(1)).first() if ids else None
    if line is None:
        raise NotFound("A sale of the phone with this number")
    return line


def _spellings(typed: str) -> list[str]:
    number = bare_number(typed)
    try:
        return list(dict.fromkeys([number, read_imei(number).text]))
    except ValueError:
        return [number]


def _line_of(
    ctx: Context, sale: Sale, lines: Sequence[SaleLine], asked: BackLine, place: str
) -> tuple[SaleLine, StockUnit | None]:
    """The line that is meant, and its phone. Raises WrongPhone, NotFound, Invalid, UnitCameBack."""
    if asked.imei:
        line = next((line for line in lines if _is_of(ctx.session, line, asked.imei)), None)
        if line is None or asked.sale_line_id not in (None, line.id):
            raise WrongPhone(bare_number(asked.imei), sale.number)
    else:
        line = next((line for line in lines if line.id == asked.sale_line_id), None)
        if line is None:
            raise NotFound("This line of the sale")
        if line.unit_id:
            raise Invalid({f"{place}.imei": f"is needed: scan the IMEI of the “{line.item_name}” that came back"})
    return line, unit_of_line(ctx.session, line) if line.unit_id else None


def _is_of(session: Session, line: SaleLine, typed: str) -> bool:
    """Whether the phone this line sold has this number: as it was then, or as it was corrected since."""
    unit = row_or_none(session, StockUnit, line.unit_id) if line.unit_id else None
    if unit is None:
        return False
    handset = find_row(session, Handset, unit.handset_id, "This phone")
    return bool({line.imei, handset.imei1, handset.imei2, handset.serial} & set(_spellings(typed)))


def days_after_window(ctx: Context, goods: Goods, today: date) -> int:
    """Days after the window in which goods may come back (rule 53)."""
    sold_on = first_sold_on(ctx.session, goods.sale.id, goods.summary.business_on)
    return days_late(sold_on, today, number_setting(ctx.session, "return_window_days"))
