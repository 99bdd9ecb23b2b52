"""Finding customers: by any piece of their telephone number, or by name."""

from __future__ import annotations

from functools import cache

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from shopnode.domain.catalogue.rules import printable
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.rules import phone_fragment
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest, page_of
from shopnode.domain.queries import among, find_row

LOOK_ALIKES_MAX = 5
FEW_MAX = 1_000  # that are named one by one
_OTHERS = Customer.__table__.alias()


def find_customer(session: Session, customer_id: str) -> Customer:
    """The customer with this id. Raises NotFound."""
    return find_row(session, Customer, customer_id, "This customer")


def on_the_list() -> ColumnElement[bool]:
    """Customers that are neither archived nor another's duplicate."""
    return and_(Customer.archived_at.is_(None), Customer.merged_into.is_(None))


def with_duplicates(customer_id: str) -> Select[str]:
    """The ids this customer is known by in the books: their own, and those of the duplicates merged into them."""
    return select(Customer.id).where(or_(Customer.id == customer_id, Customer.merged_into == customer_id))


def customers_called(wanted: str) -> Select[str]:
    """The ids of all whose name holds this text, or whose telephone number these digits. Two indexes are read for it,
    and no customer."""
    ways = [select(Customer.id).where(called) for called in ways_called(wanted)]
    return ways[0] if len(ways) == 1 else select(union_all(*ways).subquery().c.id)


def ways_called(wanted: str) -> list[ColumnElement[bool]]:
    """What may be meant: a name that holds this text, or a telephone number that holds these digits. Each of them is
    looked for in an index of its own."""
    digits = phone_fragment(wanted)
    if not digits:
        return [_named(wanted)]
    numbers = select(_OTHERS.c.phone).where(_OTHERS.c.phone.contains(digits, autoescape=True))
    return [_named(wanted), Customer.phone.in_(numbers)]


def is_called(wanted: str) -> ColumnElement[bool]:
    """Whether this customer, who is found already, is meant."""
    digits = phone_fragment(wanted)
    return or_(_named(wanted), Customer.phone.contains(digits, autoescape=True)) if digits else _named(wanted)


def _kept_for(session: Session, wanted: str) -> list[str]:
    """The ids of those into whom a customer was merged who was called this. Duplicates are few: they alone are read."""
    duplicates = select(Customer.merged_into).where(Customer.merged_into.is_not(None), is_called(wanted))
    return [row_id for row_id in session.scalars(duplicates) if row_id]


def _named(wanted: str) -> ColumnElement[bool]:
    return func.lower(Customer.name).contains(wanted.lower(), autoescape=True)


def _matches(session: Session, wanted: str) -> ColumnElement[bool]:
    """Customers who are called this, or of whom a duplicate was. Few are named one by one; many are met on the way."""
    few = list(session.scalars(customers_called(wanted).limit(FEW_MAX + 1)))
    kept = _kept_for(session, wanted)
    if len(few) <= FEW_MAX:
        return among(Customer.id, [*few, *kept])
    return or_(is_called(wanted), among(Customer.id, kept)) if kept else is_called(wanted)


@cache
def _shown() -> ColumnElement[bool]:
    """On the list and not forgotten. Asked of a row that is found already: the index in the list's order has the name,
    and the others' rows need not be read."""
    row = aliased(Customer)
    stands = (row.archived_at.is_(None), row.merged_into.is_(None), row.erased_at.is_(None))
    return select(row.id).where(row.id == Customer.id, *stands).correlate(Customer).exists()


def search_customers(
    session: Session, text: str, *, limit: int = PAGE_DEFAULT, cursor: str | None = None, newest_first: bool = False
) -> Page[Customer]:
    """Customers whose number holds these digits or whose name holds this text, by name; all for an empty text.

    Whoever is found by what a duplicate of theirs was called is found as the one who is kept.

    Raises Invalid for a cursor of another list.
    """
    wanted = " ".join(printable(text).split())
    called = [_matches(session, wanted)] if wanted else []
    if newest_first:
        query = select(Customer).where(on_the_list(), Customer.erased_at.is_(None), *called)
        return latest(session, query, Customer.created_at, Customer.id, limit, cursor)
    return _by_name(session, [*called, _shown()], limit, cursor)


def _by_name(session: Session, wanted: list[ColumnElement[bool]], limit: int, cursor: str | None) -> Page[Customer]:
    # Only keys are sorted; whole customers are read for the page that is shown.
    order = (func.lower(Customer.name), Customer.id)
    keys = select(*order).where(*wanted).order_by(*order).limit(limit + 1)
    place = decode_cursor(cursor, (str, str))
    if place is not None:
        keys = keys.where(beyond(order, place))
    page = page_of(list(session.execute(keys)), limit, lambda row: (row[0], row[1]))
    ids = [row[1] for row in page.rows]
    found = {row.id: row for row in session.scalars(select(Customer).where(among(Customer.id, ids)))}
    return Page([found[row_id] for row_id in ids], page.next_cursor)


def look_alikes(session: Session, customer: Customer, limit: int = LOOK_ALIKES_MAX) -> list[Customer]:
    """Others on the list with the same telephone number or the same name: perhaps one person, written down twice."""
    same = func.lower(Customer.name) == customer.name.lower()
    if customer.phone:
        same = or_(same, Customer.phone == customer.phone)
    query = select(Customer).where(same, on_the_list(), Customer.erased_at.is_(None), Customer.id != customer.id)
    return list(session.scalars(query.order_by(Customer.id).limit(limit)))
