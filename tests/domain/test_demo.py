"""The demo's story: a stranger who walks through the product finds something in every room, and books that agree."""

from __future__ import annotations

from sqlalchemy import func, select

from shopnode.domain.attendance.models import AttendanceCorrection
from shopnode.domain.buying.models import GoodsReceipt, OrderStatus, PurchaseOrder, SupplierReturn
from shopnode.domain.clock import act_id
from shopnode.domain.closures.models import DayClosure
from shopnode.domain.closures.queries import list_closures
from shopnode.domain.commissions.models import CommissionRule, StaffEntry
from shopnode.domain.demo import fill_demo
from shopnode.domain.expenses.models import Expense, ExpenseBudget, ExpenseStatus, RecurringExpense
from shopnode.domain.expenses.queries import list_expenses
from shopnode.domain.exports import EXPORT
from shopnode.domain.financiers.models import Financier, FinancierEntry
from shopnode.domain.handsets.models import Transfer
from shopnode.domain.journal import JournalEntry
from shopnode.domain.notices.models import Notice
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.plans.models import Plan
from shopnode.domain.pricing.models import PriceList
from shopnode.domain.repairs.models import RepairStatus, RepairTicket
from shopnode.domain.returns.models import SaleReturn, WarrantyClaim
from shopnode.domain.stock.queries import stock_differences
from shopnode.domain.stocktakes.models import Stocktake
from shopnode.domain.usedphones.models import UsedPurchase
from tests.domain.test_transfers import hear_of
from tests.shop import Shop

ROOMS = (
    AttendanceCorrection, GoodsReceipt, SupplierReturn, CommissionRule, StaffEntry, ExpenseBudget, RecurringExpense,
    FinancierEntry, Financier, Transfer, Notice, Plan, PriceList, SaleReturn, WarrantyClaim, Stocktake, UsedPurchase,
)  # fmt: skip
# What a demo of days does not come to: a disposal takes months, the others need a customer who sells or a second bench.
NOT_SHOWN = {RepairStatus.DISPOSED, RepairStatus.BOUGHT, RepairStatus.TRANSFERRED}


def test_the_demo_leaves_no_room_empty(shop: Shop) -> None:
    hear_of(shop, ShopRow(id=act_id("tests", "wandegeya"), name="Wandegeya", code="WDG", timezone="Africa/Kampala",
                          vat_rate_bp=0))  # fmt: skip

    made = fill_demo(shop.home, seed=1, days=10, sales=14, tell=lambda done, total, words: None)

    assert made["left_out"] == []
    with shop.home.reading() as session:
        empty = [table.__tablename__ for table in ROOMS if not session.scalar(select(func.count()).select_from(table))]
        assert empty == []
        assert set(session.scalars(select(RepairTicket.status))) == set(RepairStatus) - NOT_SHOWN
        ordered = set(session.scalars(select(PurchaseOrder.status)))
        assert {OrderStatus.DRAFT, OrderStatus.ORDERED, OrderStatus.CLOSED} <= ordered
        assert session.scalar(select(func.count()).where(JournalEntry.action == EXPORT)) == 2
        assert stock_differences(session) == []
        ctx = shop.ctx().inside(session)
        days = {view.status.value for view in list_closures(ctx).rows}
        assert {"Submitted", "Approved", "Rejected", "Locked"} <= days
        assert session.scalar(select(func.count()).where(DayClosure.variance_minor < 0))
        spent = {view.status for view in list_expenses(ctx).rows}
        assert set(ExpenseStatus) - spent <= {ExpenseStatus.WITHDRAWN}
        assert session.scalar(select(func.count(Expense.id)))


def test_a_demo_of_one_day_tells_the_same_chapters_but_for_what_the_shop_refuses(shop: Shop) -> None:
    shop.do("settings.change", key="plan_deposit_bp", value=10_000)

    made = fill_demo(shop.home, seed=1, days=1, sales=2, tell=lambda done, total, words: None)

    assert [words.partition(":")[0] for words in made["left_out"]] == ["begin_plans"]
    assert made["sales"] == 2
