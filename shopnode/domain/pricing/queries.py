"""Reading price lists: the breaks a ticket needs, and the lists for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import NotFound
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, page_of
from shopnode.domain.pricing.models import RETAIL, Price, PriceList
from shopnode.domain.pricing.rules import Break
from shopnode.domain.queries import find_row

FEW_MAX = 1_000  # prices that are sorted as they are


def breaks_of(session: Session, product_ids: Collection[str], list_id: str | None) -> dict[str, list[Break]]:
    """The prices of some products in the customer's list and for everybody, by product, in one query."""
    wanted = [RETAIL] if list_id is None else [RETAIL, list_id]
    query = select(Price.product_id, Price.list_id, Price.min_quantity, Price.price_minor).where(
        Price.product_id.in_(product_ids), Price.list_id.in_(wanted), Price.archived_at.is_(None)
    )
    if list_id is not None:
        dead = select(PriceList.id).where(PriceList.id == list_id, PriceList.archived_at.is_not(None))
        query = query.where(Price.list_id.not_in(dead))
    found: dict[str, list[Break]] = defaultdict(list)
    for row in session.execute(query):
        found[row.product_id].append(Break(row.list_id, row.min_quantity, row.price_minor))
    return found


def find_list(session: Session, list_id: str) -> PriceList:
    """The price list with this id. Raises NotFound, also for an archived one."""
    row = find_row(session, PriceList, list_id, "This price list")
    if row.archived_at is not None:
        raise NotFound("This price list")
    return row


def price_lists(session: Session) -> list[PriceList]:
    """Every list in use, by name. There are a handful."""
    return list(
        session.scalars(select(PriceList).where(PriceList.archived_at.is_(None)).order_by(PriceList.name, PriceList.id))
    )


def list_prices(
    session: Session, *, list_id: str | None = None, product_id: str | None = None,
    limit: int = PAGE_DEFAULT, cursor: str | None = None,
) -> Page[tuple[Price, str]]:  # fmt: skip
    """Prices with their products' names, by name and quantity. Raises Invalid for a cursor of another list."""
    wanted: list[ColumnElement[bool]] = [Price.archived_at.is_(None)]
    if list_id is not None:
        wanted.append(Price.list_id == list_id)
    if product_id is not None:
        wanted.append(Price.product_id == product_id)
    order = (Product.name, Price.min_quantity, Price.id)
    query = select(Price, Product.name).join(Product, Product.id == Price.product_id).where(*wanted)
    place = decode_cursor(cursor, (str, int, str))
    if place is not None:
        query = query.where(beyond(order, place))
    few = list(session.scalars(select(Price.id).where(*wanted).limit(FEW_MAX + 1)))
    if len(few) > FEW_MAX:
        few = []
        query = query.where(Price.product_id.in_(_priced(session, wanted, place[0] if place else None, limit + 1)))
    if few:
        query = query.where(Price.id.in_(few))
    rows = [(row[0], row[1]) for row in session.execute(query.order_by(*order).limit(limit + 1))]
    return page_of(rows, limit, lambda row: (row[1], row[0].min_quantity, row[0].id))


def _priced(session: Session, wanted: list[ColumnElement[bool]], begun: str | None, count: int) -> list[str]:
    """The next products that have such a price, by name: those of the name a page ended with, and so many beyond it.
    Each has a price, so a page is full with them, and those further on are not read."""
    has_price = select(Price.id).where(Price.product_id == Product.id, *wanted).correlate(Product).exists()
    query = select(Product.id).where(has_price).order_by(Product.name, Product.id)
    if begun is None:
        return list(session.scalars(query.limit(count)))
    same = session.scalars(query.where(Product.name == begun))
    return [*same, *session.scalars(query.where(Product.name > begun).limit(count))]


def prices_by_product(session: Session, product_ids: Collection[str]) -> dict[str, list[Price]]:
    """Every price that holds of these products, in lists and for everybody, by number of pieces; in one query."""
    query = select(Price).where(Price.product_id.in_(product_ids), Price.archived_at.is_(None))
    found: dict[str, list[Price]] = defaultdict(list)
    for row in session.scalars(query.order_by(Price.list_id, Price.min_quantity)):
        found[row.product_id].append(row)
    return found


def list_sizes(session: Session) -> dict[str, tuple[int, int]]:
    """For each list (and RETAIL): how many prices it names, and how many customers buy at it."""
    prices = select(Price.list_id, func.count()).where(Price.archived_at.is_(None)).group_by(Price.list_id)
    people = (
        select(Customer.price_list_id, func.count())
        .where(Customer.price_list_id.is_not(None), Customer.archived_at.is_(None), Customer.merged_into.is_(None))
        .group_by(Customer.price_list_id)
    )
    named = {row[0]: row[1] for row in session.execute(prices)}
    buying = {list_id: count for list_id, count in session.execute(people) if list_id is not None}
    return {list_id: (named.get(list_id, 0), buying.get(list_id, 0)) for list_id in {*named, *buying}}
