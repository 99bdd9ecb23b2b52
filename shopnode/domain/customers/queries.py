"""Finding customers: by any piece of their telephone number, or by name."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from shopnode.domain.catalogue.rules import printable
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.rules import phone_fragment
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest, page_of
from shopnode.domain.queries import find_row

LOOK_ALIKES_MAX = 5
FEW_MAX = 1_000  # that are named one by one


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
    digits = phone_fragment(wanted)
    by_name = select(Customer.id).where(func.lower(Customer.name).contains(wanted.lower(), autoescape=True))
    if not digits:
        return by_name
    other = aliased(Customer)
    numbers = select(other.phone).where(other.phone.contains(digits, autoescape=True))
    by_phone = select(Customer.id).where(Customer.phone.in_(numbers))
    return select(union_all(by_name, by_phone).subquery().c.id)


def _matches(session: Session, wanted: str) -> ColumnElement[bool]:
    """Customers who are called this, or of whom a duplicate was. Few are named one by one; many are met on the way."""
    called = customers_called(wanted)
    known_as = select(Customer.merged_into).where(Customer.merged_into.is_not(None), Customer.id.in_(called))
    few = list(session.scalars(called.limit(FEW_MAX + 1)))
    if len(few) <= FEW_MAX:
        return or_(Customer.id.in_(few), Customer.id.in_(known_as))
    digits = phone_fragment(wanted)
    by_phone = [Customer.phone.contains(digits, autoescape=True)] if digits else []  # else an index knows who is meant
    by_name = func.lower(Customer.name).contains(wanted.lower(), autoescape=True)
    return or_(by_name, *by_phone, func.coalesce(Customer.id, Customer.id).in_(known_as))


def search_customers(
    session: Session, text: str, *, limit: int = PAGE_DEFAULT, cursor: str | None = None, newest_first: bool = False
) -> Page[Customer]:
    """Customers whose number holds these digits or whose name holds this text, by name; all for an empty text.

    Whoever is found by what a duplicate of theirs was called is found as the one who is kept.

    Raises Invalid for a cursor of another list.
    """
    name = func.lower(Customer.name)
    query = select(Customer, name).where(on_the_list(), Customer.erased_at.is_(None)).limit(limit + 1)
    wanted = " ".join(printable(text).split())
    if wanted:
        query = query.where(_matches(session, wanted))
    if newest_first:
        return latest(session, query, Customer.created_at, Customer.id, limit, cursor)
    place = decode_cursor(cursor, (str, str))
    if place is not None:
        query = query.where(beyond((name, Customer.id), place))
    query = query.order_by(name, Customer.id)
    page = page_of(list(session.execute(query)), limit, lambda row: (row[1], row[0].id))
    return Page([row[0] for row in page.rows], page.next_cursor)


def look_alikes(session: Session, customer: Customer, limit: int = LOOK_ALIKES_MAX) -> list[Customer]:
    """Others on the list with the same telephone number or the same name: perhaps one person, written down twice."""
    same = func.lower(Customer.name) == customer.name.lower()
    if customer.phone:
        same = or_(same, Customer.phone == customer.phone)
    query = select(Customer).where(same, on_the_list(), Customer.erased_at.is_(None), Customer.id != customer.id)
    return list(session.scalars(query.order_by(Customer.id).limit(limit)))
