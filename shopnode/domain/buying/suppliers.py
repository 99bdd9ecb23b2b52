"""Suppliers: whom the business buys from, kept by the owner, in the shop or in the portal."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.buying.models import Supplier
from shopnode.domain.buying.queries import find_supplier
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.homes import Where
from shopnode.domain.named import change, enlist, reinstate, strike
from shopnode.domain.params import IdText, Line, Name, Note, Optionally, Params, ShortText
from shopnode.domain.people.rules import Email
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import Phone

DAYS_MAX = 365

Days = Annotated[int, Field(ge=0, le=DAYS_MAX)]
TaxId = Annotated[Line, Field(max_length=40)]


class CreateSupplier(Params):
    """Whom we buy from, and on which terms."""

    name: Name
    contact: Annotated[ShortText | None, Optionally] = None
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    address: Annotated[ShortText | None, Optionally] = None
    tax_id: Annotated[TaxId | None, Optionally] = None
    terms_days: Days = 0
    lead_days: Annotated[Days | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class UpdateSupplier(Params):
    """Any subset of a supplier's fields."""

    supplier_id: IdText
    name: Name | None = None
    contact: Annotated[ShortText | None, Optionally] = None
    phone: Annotated[Phone | None, Optionally] = None
    email: Annotated[Email | None, Optionally] = None
    address: Annotated[ShortText | None, Optionally] = None
    tax_id: Annotated[TaxId | None, Optionally] = None
    terms_days: Days | None = None
    lead_days: Annotated[Days | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class NameSupplier(Params):
    supplier_id: IdText


class AlreadySupplier(Conflict):
    code = "already-supplier"

    def __init__(self, name: str):
        super().__init__(f"“{name}” is on the list of suppliers already.")


@action("suppliers.create", needs=Permission.SUPPLIERS_MANAGE, where=Where.ANYWHERE)
def create_supplier(ctx: Context, new: CreateSupplier) -> dict[str, Any]:
    """Add a supplier. Raises AlreadySupplier."""
    supplier = Supplier(id=ctx.new_id(), created_by=ctx.actor.id, created_at=ctx.now, **new.model_dump())
    return enlist(ctx, supplier, AlreadySupplier)


@action("suppliers.update", needs=Permission.SUPPLIERS_MANAGE, where=Where.ANYWHERE)
def update_supplier(ctx: Context, new: UpdateSupplier) -> dict[str, Any]:
    """Change any of a supplier's fields. Raises AlreadySupplier, Invalid, NotFound."""
    given = new.model_dump(exclude_unset=True, exclude={"supplier_id"})
    supplier = find_supplier(ctx.session, new.supplier_id)
    return change(ctx, supplier, given, AlreadySupplier, needed=("name", "terms_days"))


@action("suppliers.archive", needs=Permission.SUPPLIERS_MANAGE, where=Where.ANYWHERE)
def archive_supplier(ctx: Context, form: NameSupplier) -> dict[str, Any]:
    """Take a supplier off the list; what was bought from them and what is owed stays in the books."""
    return strike(ctx, find_supplier(ctx.session, form.supplier_id))


@action("suppliers.restore", needs=Permission.SUPPLIERS_MANAGE, where=Where.ANYWHERE)
def restore_supplier(ctx: Context, form: NameSupplier) -> dict[str, Any]:
    """Put a supplier back on the list. Raises AlreadySupplier."""
    return reinstate(ctx, find_supplier(ctx.session, form.supplier_id), AlreadySupplier)
