"""What a device looks like on the wire, in the seed's words: purchase_price, selling_price, color, imei_serial."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shopnode.api.shapes import TEXT_MAX, Instant, Paged, left_out
from shopnode.domain.context import Context
from shopnode.domain.handsets.history import LifeEvent, LifeKind, life_of
from shopnode.domain.handsets.models import Condition, UnitStatus, VatScheme
from shopnode.domain.handsets.params import Day, Grade, Percent, ShortWord, Typed, Word
from shopnode.domain.handsets.queries import SoldOn, UnitSort, UnitView
from shopnode.domain.params import Amount, IdText, Line, Note, Params, Reason, ShortText
from shopnode.domain.sheets import LineResult, Verdict

NAMES = {
    "cost_minor": "purchase_price", "price_minor": "selling_price", "colour": "color", "unreadable": "no_imei_reason",
    "notes": "remarks",
}  # fmt: skip
COLUMNS = {name: field for field, name in NAMES.items()}
CSV_MAX = 900_000  # characters of a file in one call; the body has its own bound
ConditionWord = Literal["new", "open_box", "used", "refurbished"]


class Received(Params):
    """One phone that came in, with the numbers on it."""

    product_id: IdText
    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    eid: Typed = None
    box_imei: Typed = Field(default=None, description="On the box; where it differs, a second person approves.")
    no_imei_reason: Reason | None = Field(
        default=None, description="Why no number can be read; a supervisor approves, and the phone gets one of ours."
    )
    color: Word = None
    storage: Word = None
    purchase_price: Amount | None = Field(default=None, description="The catalogue's cost when left out.")
    grade: Grade = None
    condition: ConditionWord | None = None
    has_box: bool | None = None
    has_charger: bool | None = None
    battery_pct: Percent | None = None
    lock_state: ShortWord = None
    region: ShortWord = None
    vat_scheme: Literal["standard", "margin"] | None = None
    supplier_id: IdText | None = None
    source: ShortText | None = None
    selling_price: Amount | None = Field(default=None, description="Of this piece; its product's when left out.")
    supplier_warranty_until: Day | None = Field(default=None, description="What the supplier covers.")
    remarks: Note | None = None


class DeviceChange(Params):
    """Any subset. A changed number, color or storage needs the reason; both values are kept."""

    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    eid: Typed = None
    color: Word = None
    storage: Word = None
    reason: Reason = left_out()
    condition: ConditionWord | None = None
    grade: Grade = None
    has_box: bool | None = None
    has_charger: bool | None = None
    battery_pct: Percent | None = None
    lock_state: ShortWord = None
    region: ShortWord = None
    selling_price: Amount | None = Field(default=None, description="Of this piece; null for its product's.")
    supplier_warranty_until: Day | None = None
    remarks: Note | None = None


class Gone(Params):
    """Why a phone is written off."""

    reason: Reason


class StatusChange(Params):
    """The state a phone is to be in, and why. Selling and transfers have calls of their own."""

    status: Literal["in_stock", "reserved", "inspect", "bench", "lent", "missing", "scrapped"]
    reason: Reason
    grade: Grade = None


class DeviceFile(Params):
    """A supplier's list as CSV: a line of titles, then a phone a line. Importing it twice changes nothing."""

    csv: Annotated[str, Field(min_length=1, max_length=CSV_MAX, description="The file's text.")]
    dry_run: bool = Field(default=False, description="Only say what each line would do.")
    all_or_nothing: bool = Field(default=False, description="One wrong line, and none is taken.")
    source: ShortText | None = None


class SoldWith(BaseModel):
    """The sale a phone left with."""

    sale_id: str
    sale_number: str
    sold_at: Instant
    customer: str | None
    seller: str | None
    warranty_days: int
    warranty_expires_on: date | None


class DeviceOut(BaseModel):
    """A phone in stock, or that was. What it cost is there for those who may see it."""

    id: str
    handset_id: str
    product_id: str
    brand: str | None
    model: str
    imei_serial: str = Field(description="The number people know it by.")
    imei1: str | None
    imei2: str | None
    serial: str | None
    eid: str | None
    color: str | None
    storage: str | None
    condition: Condition | None
    grade: str | None = Field(description="Of a used phone.")
    has_box: bool | None
    has_charger: bool | None
    battery_pct: int | None
    lock_state: str | None
    region: str | None
    vat_scheme: VatScheme | None
    purchase_price: int = Field(default=0, description="Owners only; left out for others.")
    selling_price: int = Field(description="Its own, else its product's.")
    has_own_price: bool
    supplier_warranty_until: date | None = Field(description="What the supplier covers, apart from ours.")
    remarks: str | None
    status: UnitStatus
    supplier_id: str | None
    source: str | None
    received_at: Instant
    hold_until: Instant | None = Field(description="Not for sale before.")
    sale: SoldWith | None
    notes: list[str] = Field(default=[], description="What was mended in the numbers, or is odd about them.")


class DevicePage(BaseModel):
    items: list[DeviceOut]
    next_cursor: str | None


class DeviceQuery(Paged):
    imei: Annotated[
        Line, Field(max_length=TEXT_MAX, description="An IMEI, serial or EID, whole or its last 4 to 6 digits.")
    ] = ""
    product_id: IdText | None = None
    status: UnitStatus | None = None
    condition: Condition | None = None
    supplier_id: IdText | None = None
    brand: Annotated[Line, Field(max_length=TEXT_MAX)] | None = None
    sort: UnitSort = UnitSort.NEWEST


class LifeOut(BaseModel):
    """One thing that happened to a phone."""

    at: Instant
    kind: LifeKind
    words: str
    status: UnitStatus | None = Field(description="The state it came to.")
    notes: str | None
    number: str | None = Field(description="Of the sale, transfer, return or agreement.")
    shop: str | None
    done_by: str | None
    device_id: str | None
    sale_id: str | None
    amount: int = Field(default=0, description="What it cost; owners only, left out for others.")


class LifePage(BaseModel):
    items: list[LifeOut]
    next_cursor: str | None


class ImportedLine(BaseModel):
    """What became of a line, or would."""

    line: int
    result: Verdict
    about: str
    says: list[str]


class Imported(BaseModel):
    """What became of a file."""

    dry_run: bool
    new: int
    unchanged: int
    wrong: int
    skipped: int
    lines: list[ImportedLine]


def device_out(view: UnitView) -> DeviceOut:
    """A stay as the API names it."""
    cost: dict[str, Any] = {} if view.cost_minor is None else {"purchase_price": view.cost_minor}
    return DeviceOut(
        id=view.unit_id, handset_id=view.handset_id, product_id=view.product_id, brand=view.brand,
        model=view.product_name, imei_serial=view.number, imei1=view.imei1, imei2=view.imei2, serial=view.serial,
        eid=view.eid, color=view.colour, storage=view.storage, grade=view.grade,
        condition=Condition(view.condition) if view.condition else None, has_box=view.has_box,
        has_charger=view.has_charger, battery_pct=view.battery_pct, lock_state=view.lock_state, region=view.region,
        vat_scheme=VatScheme(view.vat_scheme) if view.vat_scheme else None, selling_price=view.price_minor,
        has_own_price=view.has_own_price, supplier_warranty_until=view.supplier_warranty_until, remarks=view.notes,
        status=view.status, supplier_id=view.supplier_id, source=view.source, received_at=view.received_at,
        hold_until=view.hold_until, sale=_sold_with(view.sold), **cost,
    )  # fmt: skip


def _sold_with(sold: SoldOn | None) -> SoldWith | None:
    if sold is None:
        return None
    return SoldWith(
        sale_id=sold.sale_id, sale_number=sold.number, sold_at=sold.sold_at, customer=sold.customer,
        seller=sold.seller, warranty_days=sold.warranty_days, warranty_expires_on=sold.covered_until,
    )  # fmt: skip


def life_page(ctx: Context, handset_id: str) -> LifePage:
    """The life of a phone."""
    return LifePage(items=[_life(event) for event in life_of(ctx, handset_id)], next_cursor=None)


def _life(event: LifeEvent) -> LifeOut:
    cost: dict[str, Any] = {} if event.amount_minor is None else {"amount": event.amount_minor}
    return LifeOut(
        at=event.at, kind=event.kind, words=event.words, status=event.status, notes=event.note, number=event.number,
        shop=event.shop, done_by=event.by, device_id=event.unit_id, sale_id=event.sale_id, **cost,
    )  # fmt: skip


def imported(results: list[LineResult], *, dry_run: bool) -> Imported:
    """The lines of a file and what became of them."""
    counts = {verdict: sum(line.verdict is verdict for line in results) for verdict in Verdict}
    return Imported(
        dry_run=dry_run, new=counts[Verdict.NEW], unchanged=counts[Verdict.UNCHANGED], wrong=counts[Verdict.WRONG],
        skipped=counts[Verdict.SKIPPED],
        lines=[
            ImportedLine(line=line.line_no, result=line.verdict, about=line.about, says=list(line.says))
            for line in results
        ],
    )  # fmt: skip
