"""What is sent and answered about phones bought from people, the table that values them, and blocked numbers."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shopnode.api.device_shapes import CSV_MAX, Imported, imported
from shopnode.api.reading import QueryBool
from shopnode.api.shapes import TEXT_MAX, Instant, Paged, Searched
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.params import Amount, IdText, Line, Params, Reason, ShortText
from shopnode.domain.sales.forms import NewSale
from shopnode.domain.sheets import LineResult, Verdict
from shopnode.domain.usedphones.blocking import BlockView
from shopnode.domain.usedphones.identities import SellerView
from shopnode.domain.usedphones.params import Payout, UsedPhone
from shopnode.domain.usedphones.queries import PurchaseView
from shopnode.domain.usedphones.valuations import ValuationView


class Brought(UsedPhone):
    """A phone bought over the counter and paid out at once; or, with a sale, traded in for it."""

    payout: Payout = Field(default_factory=Payout, description="With a sale: of what the phone is worth above it.")
    sale: NewSale | None = Field(default=None, description="The sale the phone is traded in for.")


class GivenBack(Params):
    """Why a purchase is taken back, and how the money comes in."""

    reason: Reason
    method: Annotated[Line, Field(min_length=1, max_length=100)] = "cash"
    reference: Annotated[Line, Field(max_length=60)] | None = None


class TradeInOut(BaseModel):
    """A phone bought from a person. Who that was is asked for apart, and each look is written down."""

    id: str
    number: str = Field(description="Of the agreement.")
    product_id: str
    model: str
    handset_id: str
    device_id: str = Field(description="Its stay in stock.")
    imei_serial: str
    imei1: str | None
    imei2: str | None
    serial: str | None
    color: str | None
    storage: str | None
    grade: str
    valued_at: int = Field(description="What the table says; 0 where it says nothing.")
    offer: int = Field(description="What was paid.")
    network_lock: str | None
    status: UnitStatus | None
    held_until: Instant | None = Field(description="Not for sale before.")
    refurbished: int = Field(description="Spent on it since.")
    customer_id: str | None
    sale_id: str | None
    sale_number: str | None
    identity_kept_until: Instant | None = Field(description="None once it is erased.")
    reversed_at: Instant | None
    reversed_because: str | None
    lost: int = Field(description="Spent on it and not given back with it.")
    notes: str | None
    created_by: str | None
    created_at: Instant


class Bought(TradeInOut):
    """What was just bought, and what the counter should know."""

    paid_out: int
    slip: str | None = Field(description="The number on the slip of the money; none where nothing was paid out.")
    traded_in: int = Field(description="So much pays the sale.")
    change: int
    warnings: list[str] = Field(description="What was mended or is odd.")


class TradeInPage(BaseModel):
    items: list[TradeInOut]
    next_cursor: str | None


class TradeInQuery(Searched):
    product_id: IdText | None = None
    traded_in: QueryBool | None = None
    reversed: QueryBool | None = None


class IdentityOut(BaseModel):
    """Who sold a phone. Photos are WebP as base64; those that are kept in this place."""

    name: str
    phone: str
    id_type: str
    id_number: str
    address: str | None
    photos: list[str]
    signature: str | None


class CostIn(Params):
    """A part, an hour or a fee that went into a phone."""

    kind: Literal["part", "labour", "other"]
    product_id: IdText | None = Field(default=None, description="The part, out of this shop's stock.")
    quantity: Annotated[int, Field(ge=1, le=20)] = 1
    amount: Amount | None = Field(default=None, description="Of labour and the rest; a part costs what it cost us.")
    note: ShortText | None = None


class ValuationOut(BaseModel):
    """One line of the table."""

    id: str
    product_id: str
    model: str
    storage: str | None = Field(description="None for any.")
    grade: str
    offer: int
    is_active: bool


class ValuationPage(BaseModel):
    items: list[ValuationOut]
    next_cursor: str | None


class ValuationQuery(Paged):
    product_id: IdText | None = None
    archived: QueryBool = False


class TableFile(Params):
    """The table as CSV: a line of titles (model, storage, grade, offer), then a line each. Twice changes nothing."""

    csv: Annotated[str, Field(min_length=1, max_length=CSV_MAX, description="The file's text.")]
    dry_run: bool = Field(default=False, description="Only say what each line would do.")
    all_or_nothing: bool = Field(default=False, description="One wrong line, and none is taken.")


class TableImported(Imported):
    """What became of a table."""

    changed: int


class ValueQuery(BaseModel):
    """Which phone."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    product_id: IdText
    storage: Annotated[Line, Field(max_length=60)] = ""
    grade: Annotated[Line, Field(min_length=1, max_length=10)]


class ValueOut(BaseModel):
    """What the table pays."""

    offer: int | None = Field(description="None where the table has no line: a second person decides.")


class BlockOut(BaseModel):
    """A phone that is neither bought, nor received, nor sold."""

    id: str
    number: str
    reason: str
    created_by: str | None
    created_at: Instant
    lifted_by: str | None
    lifted_at: Instant | None


class BlockPage(BaseModel):
    items: list[BlockOut]
    next_cursor: str | None


class BlockQuery(Paged):
    number: Annotated[Line, Field(max_length=TEXT_MAX, description="An IMEI or serial, whole.")] = ""
    lifted: QueryBool = False


class ExpiredOut(BaseModel):
    """Whose sellers are to be erased."""

    purchase_ids: list[str]


class ErasedOut(BaseModel):
    """What was erased, and whether more is left."""

    erased: int
    more: bool


def trade_in_fields(view: PurchaseView) -> dict[str, Any]:
    return {
        "id": view.id, "number": view.number, "product_id": view.product_id, "model": view.product_name,
        "handset_id": view.handset_id, "device_id": view.unit_id, "imei_serial": view.phone_number,
        "imei1": view.imei1, "imei2": view.imei2, "serial": view.serial, "color": view.colour,
        "storage": view.storage, "grade": view.grade, "valued_at": view.valued_minor, "offer": view.offer_minor,
        "network_lock": view.network_lock, "status": view.status, "held_until": view.hold_until,
        "refurbished": view.refurbished_minor, "customer_id": view.customer_id, "sale_id": view.sale_id,
        "sale_number": view.sale_number, "identity_kept_until": view.identity_kept_until,
        "reversed_at": view.reversed_at, "reversed_because": view.reversed_because, "lost": view.lost_minor,
        "notes": view.notes, "created_by": view.by_id, "created_at": view.at,
    }  # fmt: skip


def identity_out(seller: SellerView) -> IdentityOut:
    photos = [base64.b64encode(photo).decode() for photo in seller.photos]
    signature = base64.b64encode(seller.signature).decode() if seller.signature else None
    return IdentityOut(
        name=seller.name, phone=seller.phone, id_type=seller.id_type, id_number=seller.id_number,
        address=seller.address, photos=photos, signature=signature,
    )  # fmt: skip


def table_imported(results: list[LineResult], *, dry_run: bool) -> TableImported:
    """The lines of a file and what became of them."""
    changed = sum(line.verdict is Verdict.CHANGED for line in results)
    return TableImported(**imported(results, dry_run=dry_run).model_dump(), changed=changed)


def valuation_out(view: ValuationView) -> ValuationOut:
    return ValuationOut(
        id=view.id, product_id=view.product_id, model=view.product_name, storage=view.storage, grade=view.grade,
        offer=view.offer_minor, is_active=not view.is_archived,
    )  # fmt: skip


def block_out(view: BlockView) -> BlockOut:
    return BlockOut(
        id=view.id, number=view.number, reason=view.reason, created_by=view.created_by, created_at=view.created_at,
        lifted_by=view.lifted_by, lifted_at=view.lifted_at,
    )  # fmt: skip
