"""A prepared read gives what its select gives, at either home."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.people.models import Staff
from shopnode.domain.prepared import Prepared
from tests.shop import Shop

BY_ID = select(*Product.__table__.c).where(Product.id == bindparam("id"))
BY_ROLE = (
    select(Staff.id, Staff.name, Staff.archived_at)
    .where(Staff.role == bindparam("role"), Staff.archived_at.is_(None))
    .order_by(Staff.name.desc())
    .limit(2)
)


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    return anywhere


def test_a_prepared_read_gives_the_rows_of_its_select_with_their_types(shop: Shop) -> None:
    form = {"name": "Charger", "category": "Accessories", "price_minor": 35_000, "cost_minor": 22_000}
    product_id = shop.do("products.create", form)["id"]
    shop.do("products.archive", product_id=product_id, reason="no longer made")
    with shop.reading() as ctx:
        (expected,) = ctx.session.connection().execute(BY_ID, {"id": product_id}).all()
        (found,) = Prepared(BY_ID).rows(ctx.session, id=product_id)
    assert found == tuple(expected)
    assert [type(value) for value in found] == [type(value) for value in expected]
    assert (found.name, found.archived_at.tzinfo is not None, found.is_serialised) == ("Charger", True, False)


def test_a_prepared_read_keeps_order_limit_and_fixed_values(shop: Shop) -> None:
    prepared = Prepared(BY_ROLE)
    with shop.reading() as ctx:
        for role in ("Staff", "Owner", "Nobody"):
            expected = ctx.session.connection().execute(BY_ROLE, {"role": role}).all()
            assert prepared.rows(ctx.session, role=role) == [tuple(row) for row in expected]
        assert prepared.first(ctx.session, role="Nobody") is None
        assert prepared.first(ctx.session, role="Staff").name == "Aisha"


def test_a_prepared_read_sees_only_its_own_business(shop: Shop) -> None:
    """It runs inside the session's transaction, where reach was set."""
    with shop.reading() as ctx:
        owners = select(Staff.id, Staff.name).where(Staff.role == bindparam("role"))
        assert [row.name for row in Prepared(owners).rows(ctx.session, role="Owner")] == ["Sarah"]
