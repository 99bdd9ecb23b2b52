"""Financiers: firms that pay for a customer's phone, and what they owe for each."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from shopnode.api.calls import Call
from shopnode.api.customer_shapes import AgeingOut, ageing_out
from shopnode.api.reading import QueryBool
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged, left_out
from shopnode.domain.financiers.forms import Agreement, CreateFinancier, FirmName, Refusal, Settlement
from shopnode.domain.financiers.models import FinancierEntry, FinancierEntryKind
from shopnode.domain.financiers.queries import FinancierView, financier_entries, financier_view, list_financiers
from shopnode.domain.params import Note, Params
from shopnode.domain.permissions import Permission


class FinancierChange(Params):
    """Any subset of a financier's fields."""

    name: FirmName = left_out()
    agreement: Agreement | None = None
    notes: Note | None = None


class FinancierQuery(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    archived: QueryBool = False


class FinancierOut(BaseModel):
    """A firm that finances phones, and what it owes."""

    id: str
    name: str
    agreement: str | None
    notes: str | None
    owes: int
    ageing: AgeingOut
    is_active: bool
    created_at: Instant


class FinancedPhone(BaseModel):
    """What is open for one phone; below zero when they paid for one that came back."""

    imei: str | None
    sale_id: str | None
    contract: str | None
    open: int
    since: Instant


class FinancierWhole(FinancierOut):
    phones: list[FinancedPhone]


class FinancierPage(BaseModel):
    items: list[FinancierOut]


class FinancierEntryOut(BaseModel):
    """One line of a financier's account; + they owe more."""

    id: str
    kind: FinancierEntryKind
    amount: int
    imei: str | None
    sale_id: str | None
    contract: str | None
    note: str | None
    created_at: Instant


class FinancierEntryPage(BaseModel):
    items: list[FinancierEntryOut]
    next_cursor: str | None


class PaidPhone(BaseModel):
    imei: str | None
    amount: int


class SettledOut(BaseModel):
    """The slip, and which phones were paid."""

    number: str
    phones: list[PaidPhone]
    paid_ahead: int


class ChargedBack(BaseModel):
    imei: str
    charged_back: int
    open: int


@route("POST", "/financiers", action="financiers.create", status=201)
def create_financier(call: Call, body: CreateFinancier) -> FinancierWhole:
    """Add a firm that finances phones."""
    return _whole(call, call.perform(body).result["id"])


@route("GET", "/financiers", needs=Permission.SALES_CREATE)
def list_all_financiers(call: Call, query: FinancierQuery) -> FinancierPage:
    """Financiers by name, and what each owes this shop; in the portal, all shops."""
    views = list_financiers(call.ctx, archived=query.archived)
    return FinancierPage(items=[FinancierOut(**_fields(view)) for view in views])


@route("GET", "/financiers/<financier_id>", needs=Permission.FINANCIERS_MANAGE)
def get_financier(call: Call, financier_id: str) -> FinancierWhole:
    """One financier with what is open, phone by phone."""
    return _whole(call, financier_id)


@route("PUT", "/financiers/<financier_id>", action="financiers.update")
def update_financier(call: Call, financier_id: str, body: FinancierChange) -> FinancierWhole:
    """Change any of a financier's fields."""
    given = body.model_dump(exclude_unset=True)
    if given:
        call.perform({"financier_id": financier_id, **given})
    return _whole(call, financier_id)


@route("DELETE", "/financiers/<financier_id>", action="financiers.archive")
def archive_financier(call: Call, financier_id: str) -> FinancierWhole:
    """Finance no more phones by a firm. It is archived, not deleted: what it owes stays in the books."""
    call.perform({"financier_id": financier_id})
    return _whole(call, financier_id)


@route("GET", "/financiers/<financier_id>/entries", needs=Permission.FINANCIERS_MANAGE)
def list_financier_entries(call: Call, financier_id: str, query: Paged) -> FinancierEntryPage:
    """The lines of a financier's account, the latest first."""
    financier_view(call.ctx, financier_id)
    page = financier_entries(call.ctx, financier_id, limit=query.limit, cursor=query.cursor or None)
    return FinancierEntryPage(items=[_entry(row) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/financiers/<financier_id>/settlements", action="financiers.settle", status=201)
def settle_receivables(call: Call, financier_id: str, body: Settlement) -> SettledOut:
    """Take a financier's money: for the phones named, then for the oldest."""
    form = {"financier_id": financier_id, **body.model_dump(exclude_unset=True)}
    return SettledOut.model_validate(call.perform(form).result)


@route("POST", "/financiers/<financier_id>/chargebacks", action="financiers.charge_back", status=201)
def charge_back(call: Call, financier_id: str, body: Refusal) -> ChargedBack:
    """Write off what a financier will not pay for a phone, or takes back; the customer may owe it instead."""
    form = {"financier_id": financier_id, **body.model_dump(exclude_unset=True)}
    return ChargedBack.model_validate(call.perform(form, names={"imeis": "imei"}).result)


def _whole(call: Call, financier_id: str) -> FinancierWhole:
    view = financier_view(call.ctx, financier_id)
    phones = [
        FinancedPhone(
            imei=item.imei, sale_id=item.sale_id, contract=item.reference, open=item.open_minor, since=item.since
        )
        for item in view.phones
    ]
    return FinancierWhole(**_fields(view), phones=phones)


def _fields(view: FinancierView) -> dict[str, Any]:
    firm = view.financier
    return {
        "id": firm.id, "name": firm.name, "agreement": firm.agreement, "notes": firm.notes, "owes": view.owes_minor,
        "ageing": ageing_out(view.ageing), "is_active": firm.archived_at is None, "created_at": firm.created_at,
    }  # fmt: skip


def _entry(row: FinancierEntry) -> FinancierEntryOut:
    return FinancierEntryOut(
        id=row.id, kind=FinancierEntryKind(row.kind), amount=row.amount_minor, imei=row.imei, sale_id=row.sale_id,
        contract=row.reference, note=row.note, created_at=row.at,
    )  # fmt: skip
