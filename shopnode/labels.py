"""Labels of what is in the books: products by barcode or SKU, phones by IMEI or serial, with price, looks and grade;
repairs by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.documents.label import Label
from shopnode.documents.receipt_rows import handset_number
from shopnode.domain.catalogue.models import Product
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.money import format_minor
from shopnode.domain.people.models import Business, Shop
from shopnode.domain.people.queries import currency_of
from shopnode.domain.printing.papers import LabelWish
from shopnode.repair_papers import ticket_labels


def labels_for(session: Session, wishes: Sequence[LabelWish], shop_id: str | None) -> list[Label]:
    """The labels in the order they were asked for, each as often; what has gone from the books meanwhile has none."""
    shop_name, currency = _shop_name(session, shop_id), currency_of(session)
    products = _products(session, {wish.product_id for wish in wishes if wish.product_id}, shop_name, currency)
    phones = _phones(session, {wish.unit_id for wish in wishes if wish.unit_id}, shop_name, currency)
    repairs = ticket_labels(session, {wish.ticket_id for wish in wishes if wish.ticket_id}, shop_name)
    found: list[Label] = []
    for wish in wishes:
        label = products.get(wish.product_id or "") or phones.get(wish.unit_id or "")
        label = label or repairs.get(wish.ticket_id or "")
        found += [label] * wish.copies if label else []
    return found


def _shop_name(session: Session, shop_id: str | None) -> str:
    name = session.scalars(select(Business.name)).one_or_none()
    if name is None and shop_id is not None:
        name = session.scalars(select(Shop.name).where(Shop.id == shop_id)).one_or_none()
    return name or ""


def _products(session: Session, ids: set[str], shop_name: str, currency: str) -> dict[str, Label]:
    rows = session.scalars(select(Product).where(Product.id.in_(ids))) if ids else ()
    return {
        row.id: Label(shop_name, row.name, row.barcode or row.sku or "", price=_price(row.price_minor, currency))
        for row in rows
    }


def _phones(session: Session, ids: set[str], shop_name: str, currency: str) -> dict[str, Label]:
    if not ids:
        return {}
    query = (
        select(StockUnit, Handset, Product)
        .join(Handset, Handset.id == StockUnit.handset_id)
        .join(Product, Product.id == StockUnit.product_id)
        .where(StockUnit.id.in_(ids))
    )
    return {
        unit.id: _phone(unit, handset, product, shop_name, currency)
        for unit, handset, product in session.execute(query)
    }


def _phone(unit: StockUnit, handset: Handset, product: Product, shop_name: str, currency: str) -> Label:
    grade = f"Grade {unit.grade}" if unit.grade else ""
    looks = [part for part in (handset.storage, handset.colour, grade) if part]
    if unit.condition and unit.condition not in ("new", "used"):
        looks.append(unit.condition.replace("_", " ").capitalize())
    asked_minor = product.price_minor if unit.price_minor is None else unit.price_minor
    number = handset.number
    said = handset_number(number) if number else ""
    return Label(shop_name, product.name, number, "  ·  ".join(looks), _price(asked_minor, currency), said)


def _price(amount_minor: int, currency: str) -> str:
    return f"{currency} {format_minor(amount_minor, currency)}" if amount_minor else ""
