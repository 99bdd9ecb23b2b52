"""Writing the catalogue: products with their prices. Owners only; everybody else reads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.buying.models import Supplier
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product, has_moved, offered
from shopnode.domain.catalogue.rules import price_faults, price_warning
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.homes import Where
from shopnode.domain.params import QUANTITY_MAX, Amount, Code, IdText, Name, Note, Optionally, Params, Reason
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import currency_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none

WARRANTY_DAYS_MAX = 3_650

Category = Annotated[Name, Field(max_length=100)]
Sku = Annotated[Code, AfterValidator(str.upper)]  # one spelling, so that a look-up by index finds it
Level = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
LeadDays = Annotated[int, Field(ge=0, le=365)]
WarrantyDays = Annotated[int, Field(ge=0, le=WARRANTY_DAYS_MAX)]

NEVER_EMPTY = frozenset({
    "name", "category", "cost_minor", "price_minor", "floor_minor", "min_stock_level", "warranty_days",
    "is_serialised", "is_preloaded",
})  # fmt: skip


class CreateProduct(Params):
    """A new thing or service to sell."""

    name: Name
    category: Category
    brand: Annotated[Category | None, Optionally] = None
    sku: Annotated[Sku | None, Optionally] = None
    barcode: Annotated[Code | None, Optionally] = None
    description: Annotated[Note | None, Optionally] = None
    price_minor: Amount
    cost_minor: Amount = 0
    floor_minor: Amount = 0
    min_stock_level: Level = 5
    warranty_days: WarrantyDays = 0
    is_serialised: bool = False
    is_preloaded: bool = False
    only_shop_id: Annotated[IdText | None, Optionally] = None
    supplier_id: Annotated[IdText | None, Optionally] = None
    lead_days: Annotated[LeadDays | None, Optionally] = None
    warranty_terms: Annotated[Note | None, Optionally] = None  # printed with the line, copied when it is sold


class UpdateProduct(Params):
    """Any subset of a product's fields."""

    product_id: IdText
    name: Name | None = None
    category: Category | None = None
    brand: Annotated[Category | None, Optionally] = None
    sku: Annotated[Sku | None, Optionally] = None
    barcode: Annotated[Code | None, Optionally] = None
    description: Annotated[Note | None, Optionally] = None
    price_minor: Amount | None = None
    cost_minor: Amount | None = None
    floor_minor: Amount | None = None
    min_stock_level: Level | None = None
    warranty_days: WarrantyDays | None = None
    is_serialised: bool | None = None
    is_preloaded: bool | None = None
    only_shop_id: Annotated[IdText | None, Optionally] = None
    supplier_id: Annotated[IdText | None, Optionally] = None
    lead_days: Annotated[LeadDays | None, Optionally] = None
    warranty_terms: Annotated[Note | None, Optionally] = None  # printed with the line, copied when it is sold


class ArchiveProduct(Params):
    product_id: IdText
    reason: Annotated[Reason | None, Optionally] = None


class RestoreProduct(Params):
    product_id: IdText


@action("products.create", needs=Permission.PRODUCTS_CREATE, where=Where.ANYWHERE)
def create_product(ctx: Context, new: CreateProduct) -> dict[str, Any]:
    """Add a product to the catalogue."""
    product = Product(id=ctx.new_id(), created_by=ctx.actor.id, created_at=ctx.now, **new.model_dump())
    check_product(ctx.session, product)
    add_rows(ctx.session, product)
    ctx.about("product", product.id)
    return _answer(product)


@action("products.update", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def update_product(ctx: Context, new: UpdateProduct) -> dict[str, Any]:
    """Change any of a product's fields, its price among them."""
    product = find_product(ctx.session, new.product_id)
    given = new.model_dump(exclude_unset=True, exclude={"product_id"})
    empty = [name for name in given if given[name] is None and name in NEVER_EMPTY]
    if empty:
        raise Invalid(dict.fromkeys(empty, "is needed"))
    becomes_other = given.get("is_serialised", product.is_serialised) != product.is_serialised
    if becomes_other and has_moved(ctx.session, product.id):
        raise Invalid({"is_serialised": "cannot change once stock has moved; make a new product instead"})
    with ctx.session.no_autoflush:
        for name, value in given.items():
            setattr(product, name, value)
        check_product(ctx.session, product)
    ctx.about("product", product.id)
    return _answer(product)


@action("products.archive", needs=Permission.PRODUCTS_DELETE, where=Where.ANYWHERE)
def archive_product(ctx: Context, form: ArchiveProduct) -> dict[str, Any]:
    """Take a product off the counter; what was sold of it stays in the books."""
    product = find_product(ctx.session, form.product_id)
    product.archived_at = product.archived_at or ctx.now
    ctx.about("product", product.id)
    return {"id": product.id}


@action("products.restore", needs=Permission.PRODUCTS_UPDATE, where=Where.ANYWHERE)
def restore_product(ctx: Context, form: RestoreProduct) -> dict[str, Any]:
    """Put an archived product back on the counter."""
    product = find_product(ctx.session, form.product_id)
    if product.merged_into is not None:
        kept = find_product(ctx.session, product.merged_into)
        raise Conflict(f"“{product.name}” was merged into “{kept.name}”. Use “{kept.name}” instead.")
    product.archived_at = None
    check_product(ctx.session, product)
    ctx.about("product", product.id)
    return {"id": product.id}


def _answer(product: Product) -> dict[str, Any]:
    warning = price_warning(product.price_minor, product.cost_minor)
    return {"id": product.id} if warning is None else {"id": product.id, "warning": warning}


def check_product(session: Session, product: Product) -> None:
    """Refuse a product whose prices contradict each other or whose codes another has. Raises Invalid."""
    faults = price_faults(product.price_minor, product.floor_minor, currency_of(session))
    if product.only_shop_id is not None and row_or_none(session, Shop, product.only_shop_id) is None:
        faults["only_shop_id"] = "is no shop of this business"
    if product.supplier_id is not None and row_or_none(session, Supplier, product.supplier_id) is None:
        faults["supplier_id"] = "is no supplier on the list"
    faults |= _code_clash(session, product, "sku") | _code_clash(session, product, "barcode")
    if faults:
        raise Invalid(faults)


def _code_clash(session: Session, product: Product, name: str) -> dict[str, str]:
    """A code that another product on sale has; checked where it is typed, for two shops may meet later."""
    code = getattr(product, name)
    if code is None:
        return {}
    same = getattr(Product, name) == code
    holder = session.scalar(select(Product.name).where(same, Product.id != product.id, offered(None)).limit(1))
    return {name: f"is already used by “{holder}”"} if holder else {}
