"""Reading the catalogue: search as it is typed, lists, tiles, categories.

What a product costs is not in a view unless it was asked for: views for people without that permission have no figure
that could slip out. Stock on hand is of one shop where one is named, else of all that the session reaches.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from shopnode.domain.catalogue.models import Product, ProductSearch
from shopnode.domain.catalogue.rules import fold, printable, search_words
from shopnode.domain.catalogue.unmoved import never_moved
from shopnode.domain.context import Context
from shopnode.domain.db import to_wire
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, page_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import among, find_row
from shopnode.domain.sales.models import SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel, StockMovement

AnySelect = Select[*tuple[Any, ...]]

TILES_MAX = 24
SELLING_NOW_DAYS = 30
TICKETS_MAX = 500  # the last ones tell what sells
FEW_MAX = 2_000  # that are looked up one by one
TOGETHER_MAX = 8_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # nothing was archived before: with it, an index of those alone is read


@dataclass(frozen=True)
class ProductView:
    """A product as this person may see it."""

    id: str
    name: str
    category: str
    brand: str | None
    sku: str | None
    barcode: str | None
    description: str | None
    price_minor: int
    floor_minor: int
    min_stock_level: int
    warranty_days: int
    is_serialised: bool
    is_preloaded: bool
    archived_at: datetime | None
    created_at: datetime
    only_shop_id: str | None  # the one shop that offers it; None for all
    merged_into: str | None  # the product that is kept, where this one is its duplicate
    photo: str | None  # the name of its bytes, see photos
    on_hand: int
    cost_minor: int | None  # None for those who may not see it
    supplier_id: str | None = None  # whom it is usually ordered from
    lead_days: int | None = None  # from order to delivery; the supplier's if None
    warranty_terms: str | None = None

    @property
    def margin_minor(self) -> int | None:
        return None if self.cost_minor is None else self.price_minor - self.cost_minor

    @property
    def is_low(self) -> bool:
        return self.on_hand <= self.min_stock_level


class Sort(StrEnum):
    NAME = "name"
    PRICE = "price"
    NEWEST = "newest"


@dataclass(frozen=True)
class ProductFilter:
    """Which products: each field narrows the list."""

    q: str = ""
    category: str | None = None
    archived: bool = False
    low_stock: bool = False
    sort: Sort = Sort.NAME


def offered(shop_id: str | None) -> ColumnElement[bool]:
    """Products that can be sold now, in that shop where one is named: neither archived, nor another's duplicate, nor
    another shop's own."""
    here = true() if shop_id is None else or_(Product.only_shop_id.is_(None), Product.only_shop_id == shop_id)
    return and_(Product.archived_at.is_(None), Product.merged_into.is_(None), here)


def _found_in(shop_id: str | None) -> ColumnElement[bool]:
    if shop_id is None:
        return true()
    return or_(ProductSearch.only_shop_id.is_(None), ProductSearch.only_shop_id == shop_id)


def with_duplicates(session: Session, product_ids: Collection[str]) -> dict[str, str]:
    """These products and all that were merged into them: product → the one of these it is read as."""
    query = select(Product.id, Product.merged_into).where(Product.merged_into.in_(product_ids))
    return {**{row_id: row_id for row_id in product_ids}, **{row.id: row.merged_into for row in session.execute(query)}}


def products_as_read(session: Session, product_ids: Collection[str]) -> dict[str, Product]:
    """Product id → the product; for one that was merged into another, the one that is kept."""
    asked = {row.id: row for row in session.scalars(select(Product).where(Product.id.in_(product_ids)))}
    merged = {row.merged_into for row in asked.values() if row.merged_into}
    kept = {row.id: row for row in session.scalars(select(Product).where(Product.id.in_(merged)))} if merged else {}
    return {row_id: kept.get(row.merged_into or "", row) for row_id, row in asked.items()}


def find_product(session: Session, product_id: str) -> Product:
    """The product with this id. Raises NotFound."""
    return find_row(session, Product, product_id, "This product")


def product_view(ctx: Context, product_id: str) -> ProductView:
    """One product as this person may see it. Raises NotFound."""
    return _views(ctx, [find_product(ctx.session, product_id)])[0]


def search_products(
    ctx: Context, text: str, *, limit: int = PAGE_DEFAULT, cursor: str | None = None, coded: Sequence[str] | None = None
) -> Page[ProductView]:
    """Products on sale whose words hold every word of the text: an exact barcode or SKU first, then names that
    begin with it, then words that do. Raises Invalid for a cursor of another list.

    coded  the products with exactly this code, where they are known already
    """
    words = search_words(text)
    if not words:
        return list_products(ctx, ProductFilter(), limit=limit, cursor=cursor)
    found = ProductSearch.text
    rank = case(
        (ProductSearch.product_id.in_(ids_by_code(ctx, text) if coded is None else coded), 0),
        (found.startswith(" " + fold(text), autoescape=True), 1),
        (and_(*(found.contains(" " + word, autoescape=True) for word in words)), 2),
        else_=3,
    )
    hit = select(rank.label("rank"), found.label("text"), ProductSearch.product_id)
    hit = hit.where(ProductSearch.on_sale, _found_in(ctx.shop_id), *map(_holds, words))
    hits = hit.subquery()
    order = (hits.c.rank, hits.c.text, hits.c.product_id)
    query = select(hits).order_by(*order).limit(limit + 1)
    place = decode_cursor(cursor, (int, str, str))
    if place is not None:
        query = query.where(beyond(order, place))
    page = page_of(list(ctx.session.execute(query)), limit, lambda row: row)
    return Page(_views_by_id(ctx, [row.product_id for row in page.rows]), page.next_cursor)


def _holds(word: str) -> ColumnElement[bool]:
    """The product's words hold this one; a single letter begins a word, for every product holds every letter."""
    return ProductSearch.text.contains(word if len(word) > 1 else f" {word}", autoescape=True)


def ids_by_code(ctx: Context, text: str) -> list[str]:
    """Products on sale with exactly this barcode or SKU, or whose duplicate has it; usually one."""
    code = " ".join(printable(text).split())
    same = or_(Product.barcode == code, Product.sku == code.upper())
    query = select(Product.id, Product.merged_into).where(
        same, or_(offered(ctx.shop_id), Product.merged_into.is_not(None))
    )
    found = list(ctx.session.execute(query))
    own, kept = [row.id for row in found if not row.merged_into], [row.merged_into for row in found if row.merged_into]
    if not kept:
        return own[:PAGE_DEFAULT]
    theirs = ctx.session.scalars(select(Product.id).where(Product.id.in_(kept), offered(ctx.shop_id)))
    return list(dict.fromkeys([*own, *theirs]))[:PAGE_DEFAULT]


def products_by_code(ctx: Context, text: str) -> list[ProductView]:
    """The products on sale with exactly this barcode or SKU, as a scanner asks for them."""
    return _views_by_id(ctx, ids_by_code(ctx, text))


def list_products(
    ctx: Context, wanted: ProductFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[ProductView]:
    """Products of the office list, archived ones on their own. Raises Invalid for a cursor of another list."""
    # Only keys are sorted; whole products are read for the page that is shown.
    keys = select(_KEYS[wanted.sort], Product.id)
    query = _sorted(_narrowed(ctx, keys, wanted, in_order=True), wanted.sort, cursor)
    page = page_of(list(ctx.session.execute(query.limit(limit + 1))), limit, lambda row: map(to_wire, row))
    return Page(_views_by_id(ctx, [row.id for row in page.rows]), page.next_cursor)


@dataclass(frozen=True)
class ProductsSum:
    """What a whole list adds up to; `value_minor` at cost, None for those who may not see it."""

    count: int
    on_hand: int
    value_minor: int | None


def sum_products(ctx: Context, wanted: ProductFilter) -> ProductsSum:
    """Count, pieces and worth of every product of the list, not only of the page shown."""
    level = _level(ctx)
    worth = func.sum(case((level > 0, level * Product.cost_minor), else_=0))
    count, pieces, value = ctx.session.execute(
        _narrowed(ctx, select(func.count(), func.coalesce(func.sum(level), 0), func.coalesce(worth, 0)), wanted)
    ).one()
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    return ProductsSum(count, int(pieces), int(value) if sees_cost else None)


def sum_of_page(rows: Sequence[ProductView]) -> ProductsSum:
    """The same, of a list that is shown whole."""
    worth = [max(row.on_hand, 0) * row.cost_minor for row in rows if row.cost_minor is not None]
    return ProductsSum(len(rows), sum(row.on_hand for row in rows), sum(worth) if len(worth) == len(rows) else None)


def quick_tiles(ctx: Context, *, limit: int = TILES_MAX) -> list[ProductView]:
    """What is sold by one touch: the tiles the owner chose, then what sells most these days."""
    query = select(Product).join(ProductSearch, ProductSearch.product_id == Product.id)
    chosen = ctx.session.scalars(
        query.where(Product.is_preloaded, offered(ctx.shop_id)).order_by(ProductSearch.text).limit(limit)
    ).all()
    missing = limit - len(chosen)
    sellers = _best_sellers(ctx, missing, {product.id for product in chosen}) if missing else []
    return [*_views(ctx, chosen), *_views_by_id(ctx, sellers)]


def categories(session: Session) -> list[str]:
    """The categories of the products on sale."""
    return list(session.scalars(_categories()))


@cache
def _categories() -> Select[str]:
    """Each category is looked up after the one before it: there are few, and tens of thousands of products of each."""
    first = select(func.min(Product.category).label("name")).where(offered(None)).cte("category", recursive=True)
    further = select(func.min(Product.category)).where(offered(None), Product.category > first.c.name)
    named = first.union_all(select(further.correlate(first).scalar_subquery()).where(first.c.name.is_not(None)))
    return select(named.c.name).where(named.c.name.is_not(None)).order_by(func.lower(named.c.name))


def has_moved(session: Session, product_id: str) -> bool:
    """Whether any stock of this product ever came or went."""
    moved = select(StockMovement.id).where(StockMovement.product_id == product_id).limit(1)
    return session.scalar(moved) is not None


def _narrowed(ctx: Context, query: AnySelect, wanted: ProductFilter, *, in_order: bool = False) -> AnySelect:
    """The query, of the products that the filter leaves.

    in_order  a page of them is read in the order of an index: what few products are is looked for first, and what many
              are is met on the way
    """
    query = query.select_from(Product)
    words = search_words(wanted.q)
    if words:
        hit = select(ProductSearch.product_id).where(ProductSearch.on_sale.is_not(wanted.archived), *map(_holds, words))
        # By name, those with one word may all stand together far down: they are met late, however many they are.
        few_max = TOGETHER_MAX if wanted.sort is Sort.NAME else FEW_MAX
        few = list(ctx.session.scalars(hit.limit(few_max + 1))) if in_order else []
        met = hit.where(ProductSearch.product_id == Product.id).correlate(Product).exists()
        query = query.where(met if len(few) > few_max else among(Product.id, few) if in_order else Product.id.in_(hit))
    query = query.where(Product.archived_at > LONG_AGO if wanted.archived else offered(ctx.shop_id))
    if wanted.category is not None:
        query = query.where(Product.category == wanted.category)
    if wanted.low_stock:
        # A bundle has no stock of its own.
        query = query.where(_level(ctx) <= Product.min_stock_level, Product.is_bundle.is_not(True))
        candidates = perhaps_low(ctx) if in_order else None
        query = query if candidates is None else query.where(among(Product.id, candidates))
    return query


def perhaps_low(ctx: Context) -> set[str] | None:
    """All that are low and some more, found without adding up the stock of each; None where they are many."""
    highest = ctx.session.scalar(select(func.max(Product.min_stock_level))) or 0
    least = select(Product.min_stock_level).where(Product.id == StockLevel.product_id).scalar_subquery()
    few = select(StockLevel.product_id)
    if ctx.home.is_shop:  # its books hold the levels of this shop alone
        few = few.where(StockLevel.on_hand <= highest, StockLevel.on_hand <= least)
    else:
        few = few.group_by(StockLevel.product_id).having(func.sum(StockLevel.on_hand) <= highest)
    kept = select(Product.merged_into).where(Product.merged_into.is_not(None))
    unmoved = never_moved(ctx, FEW_MAX + 1)
    if len(unmoved) > FEW_MAX:
        return None
    never = select(Product.id).where(among(Product.id, unmoved), offered(ctx.shop_id))
    found: set[str] = set()
    for part in (few, never, kept):
        found |= {str(product_id) for product_id in ctx.session.scalars(part.limit(FEW_MAX + 1))}
    return found if len(found) <= FEW_MAX else None


_KEYS: dict[Sort, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    Sort.NAME: func.lower(Product.name),
    Sort.PRICE: Product.price_minor,
    Sort.NEWEST: Product.created_at,
}


def _sorted(query: AnySelect, sort: Sort, cursor: str | None) -> AnySelect:
    """The query in its order, from the cursor on: names upwards, prices and dates downwards."""
    key = _KEYS[sort]
    place = decode_cursor(cursor, (str if sort is Sort.NAME else int, str))
    if sort is Sort.NAME:
        query = query.order_by(key, Product.id)
        return query if place is None else query.where(beyond((key, Product.id), place))
    query = query.order_by(key.desc(), Product.id.desc())
    return query if place is None else query.where(beyond((key, Product.id), place, downwards=True))


def _best_sellers(ctx: Context, limit: int, but: set[str]) -> list[str]:
    since = ctx.now - timedelta(days=SELLING_NOW_DAYS)
    latest = select(SaleSummary.sale_id).where(SaleSummary.sold_at >= since)
    latest = latest.order_by(SaleSummary.sold_at.desc()).limit(TICKETS_MAX)
    sold = (
        select(SaleLine.product_id, func.sum(SaleLine.quantity).label("pieces"))
        .where(SaleLine.sale_id.in_(latest), SaleLine.product_id.is_not(None))
        .group_by(SaleLine.product_id)
        .subquery()
    )
    query = (
        select(Product.id)
        .join(sold, sold.c.product_id == Product.id)
        .where(offered(ctx.shop_id), Product.id.not_in(but))
        .order_by(sold.c.pieces.desc(), Product.id)
    )
    return list(ctx.session.scalars(query.limit(limit)))


def _level(ctx: Context) -> ColumnElement[int]:
    """On hand of the product of the outer query, its duplicates' pieces included."""
    own = _pieces(ctx.shop_id, StockLevel.product_id == Product.id)
    if ctx.session.scalar(select(Product.id).where(Product.merged_into.is_not(None)).limit(1)) is None:
        return own
    duplicate = aliased(Product)
    same = select(duplicate.id).where(duplicate.merged_into == Product.id).correlate(Product)
    return own + _pieces(ctx.shop_id, StockLevel.product_id.in_(same))


def _pieces(shop_id: str | None, wanted: ColumnElement[bool]) -> ColumnElement[int]:
    query = select(func.coalesce(func.sum(StockLevel.on_hand), 0)).where(wanted)
    if shop_id is not None:
        query = query.where(StockLevel.shop_id == shop_id)
    return query.correlate(Product).scalar_subquery()


def _views_by_id(ctx: Context, product_ids: Sequence[str]) -> list[ProductView]:
    if not product_ids:
        return []
    found = {product.id: product for product in ctx.session.scalars(select(Product).where(Product.id.in_(product_ids)))}
    return _views(ctx, [found[product_id] for product_id in product_ids])


def _views(ctx: Context, products: Sequence[Product]) -> list[ProductView]:
    read_as = with_duplicates(ctx.session, [product.id for product in products])
    query = select(StockLevel.product_id, func.sum(StockLevel.on_hand)).where(StockLevel.product_id.in_(list(read_as)))
    if ctx.shop_id is not None:
        query = query.where(StockLevel.shop_id == ctx.shop_id)
    levels: dict[str, int] = {}
    for product_id, level in ctx.session.execute(query.group_by(StockLevel.product_id)):
        levels[read_as[product_id]] = levels.get(read_as[product_id], 0) + int(level)
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    return [_view(product, levels.get(product.id, 0), sees_cost) for product in products]


def _view(product: Product, on_hand: int, sees_cost: bool) -> ProductView:
    return ProductView(
        id=product.id,
        name=product.name,
        category=product.category,
        brand=product.brand,
        sku=product.sku,
        barcode=product.barcode,
        description=product.description,
        price_minor=product.price_minor,
        floor_minor=product.floor_minor,
        min_stock_level=product.min_stock_level,
        warranty_days=product.warranty_days,
        is_serialised=product.is_serialised,
        is_preloaded=product.is_preloaded,
        archived_at=product.archived_at,
        only_shop_id=product.only_shop_id,
        merged_into=product.merged_into,
        created_at=product.created_at,
        photo=product.photo,
        on_hand=on_hand,
        cost_minor=product.cost_minor if sees_cost else None,
        supplier_id=product.supplier_id,
        lead_days=product.lead_days,
        warranty_terms=product.warranty_terms,
    )
