"""Tenants and their shops. What shops and people see of them are ordinary rows, written through the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.merge.models import Origin, TenantFeed
from cloudhub.tenancy import actions as tenancy_actions
from cloudhub.tenancy.models import PortalLogin, ShopSeat, Tenant
from shopnode.domain import models as domain_models
from shopnode.domain.actions import perform, perform_many
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.people.models import Staff
from shopnode.domain.people.passwords import PASSWORD_MIN, hash_secret
from shopnode.domain.permissions import Role
from sync_protocol.chain import genesis

assert tenancy_actions and domain_models  # registered by their import


@dataclass(frozen=True)
class NewTenant:
    """Ids of what was made."""

    tenant_id: str
    owner_id: str


@dataclass(frozen=True)
class TenantView:
    """A business in the operator's list."""

    id: str
    name: str
    shops: int


def add_tenant(hub: Hub, name: str, owner_name: str, owner_email: str, password: str, **business: str) -> NewTenant:
    """A new business with its owner, who may sign in to the portal. Raises Invalid; nothing is left behind then."""
    if len(password) < PASSWORD_MIN:
        raise Invalid({"password": f"must be at least {PASSWORD_MIN} characters"})
    tenant_id, origin_id = hub.new_id(), hub.new_id()
    now = to_datetime(hub.clock.wall_ms())
    password_hash = hash_secret(password)
    with hub.database.session(tenant_id) as session:
        session.add_all(
            [
                Tenant(tenant_id=tenant_id, name=name, portal_origin_id=origin_id, made_at=now),
                TenantFeed(tenant_id=tenant_id, seq=0),
                new_origin(tenant_id, origin_id, now_ms=hub.clock.wall_ms()),
            ]
        )
        session.flush()
        home = hub.home_of(tenant_id, origin_id, session)
        owner: dict[str, Any] = {"name": owner_name, "email": owner_email, "role": Role.OWNER.value, "shop_ids": []}
        named: dict[str, Any] = {"name": name, **business}
        acts: list[tuple[str, dict[str, Any], None]] = [("business.set_up", named, None), ("staff.add", owner, None)]
        _, added = perform_many(Context(home=home, actor=CONSOLE, shop_id=None), acts)
        person = session.get_one(Staff, (tenant_id, added.result["id"]))
        session.add(
            PortalLogin(
                tenant_id=tenant_id, id=hub.new_id(), staff_id=person.id, email=person.email,
                password_hash=password_hash, made_at=now,
            )
        )  # fmt: skip
    return NewTenant(tenant_id, person.id)


def new_origin(
    tenant_id: str, origin_id: str, *, now_ms: int, node_id: str | None = None, shop_id: str | None = None,
    public_key: str | None = None,
) -> Origin:  # fmt: skip
    """A chain with nothing on it yet."""
    return Origin(
        tenant_id=tenant_id, id=origin_id, node_id=node_id, shop_id=shop_id, public_key=public_key, head_n=0,
        head_hash=genesis(origin_id), durable_n=0, opened_at=to_datetime(now_ms),
    )  # fmt: skip


def add_shop(hub: Hub, tenant_id: str, name: str, code: str, **details: str | int) -> str:
    """A new shop where every owner may work; returns its id. Raises Invalid, NotFound."""
    home = hub.home(tenant_id)
    with hub.database.session(tenant_id) as session:
        inside = hub.home_of(tenant_id, home.origin_id, session)
        ctx = Context(home=inside, actor=CONSOLE, shop_id=None)
        shop_id = str(perform(ctx, "shops.open", {"name": name, "code": code, **details}).result["id"])
        stored_code = session.get_one(domain_models.people.Shop, (tenant_id, shop_id)).code
        session.add(ShopSeat(tenant_id=tenant_id, shop_id=shop_id, code=stored_code, installations=0))
        for staff_id, password_hash in _owners(session):
            form = {"shop_id": shop_id, "staff_ids": [staff_id], "password_hash": password_hash}
            perform(ctx, "staff.post", form)
    hub.feed_moved(tenant_id)
    return shop_id


def _owners(session: Session) -> list[tuple[str, str | None]]:
    """Active owners with the hash of the password they use at the portal."""
    owners = (
        select(Staff.id, PortalLogin.password_hash)
        .outerjoin(PortalLogin, PortalLogin.staff_id == Staff.id)
        .where(Staff.role == Role.OWNER.value, Staff.suspended_at.is_(None), Staff.archived_at.is_(None))
        .order_by(Staff.id)
    )
    return [(row.id, row.password_hash) for row in session.execute(owners)]


def find_tenant(hub: Hub, wanted: str) -> str:
    """The id of the tenant with this id or name. Raises NotFound; Invalid when a name fits several."""
    with hub.database.gate() as session:
        rows = session.execute(select(Tenant.tenant_id, Tenant.name)).all()
    found = [row.tenant_id for row in rows if wanted in (row.tenant_id, row.name)]
    if not found:
        raise NotFound("This business")
    if len(found) > 1:
        raise Invalid({"tenant": "fits several businesses; name its id"})
    return str(found[0])


def find_seat(hub: Hub, wanted: str) -> tuple[str, str]:
    """Tenant and shop ids of the shop with this id or code. Raises NotFound; Invalid when a code fits several."""
    with hub.database.gate() as session:
        rows = session.execute(select(ShopSeat.tenant_id, ShopSeat.shop_id, ShopSeat.code)).all()
    found = [(row.tenant_id, row.shop_id) for row in rows if wanted in (row.shop_id, row.code)]
    if not found:
        raise NotFound("This shop")
    if len(found) > 1:
        raise Invalid({"shop": "fits shops of several businesses; name its id"})
    return found[0]


def all_tenants(hub: Hub) -> list[TenantView]:
    """Every business on this hub, by name."""
    with hub.database.gate() as session:
        tenants = session.execute(select(Tenant.tenant_id, Tenant.name).order_by(Tenant.name)).all()
        seats = list(session.scalars(select(ShopSeat.tenant_id)))
    return [TenantView(row.tenant_id, row.name, seats.count(row.tenant_id)) for row in tenants]
