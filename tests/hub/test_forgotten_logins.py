"""An owner who left and is forgotten leaves no address at the portal either."""

from __future__ import annotations

from cloudhub.tenancy.logins import set_portal_password, sign_in
from cloudhub.tenancy.models import PortalLogin, PortalSession
from shopnode.domain.actions import perform
from tests.hub.world import PASSWORD, World


def test_rule_91_the_login_of_a_forgotten_owner_names_nobody(world: World) -> None:
    form = {"name": "Odoi Peter", "role": "Owner", "email": "odoi@kisura.example", "shop_ids": []}
    who = perform(world.owner(), "staff.add", form).result["id"]
    set_portal_password(world.hub, world.tenant_id, who, PASSWORD)
    sign_in(world.hub, "odoi@kisura.example", PASSWORD, ip="203.0.113.9", user_agent="Firefox")
    perform(world.owner(), "staff.archive", {"staff_id": who})
    perform(world.owner(), "staff.erase", {"staff_id": who, "reason": "asked by letter"})
    with world.session() as session:
        (login,) = session.query(PortalLogin).filter_by(staff_id=who).all()
        (told,) = session.query(PortalSession).filter_by(login_id=login.id).all()
    assert "odoi" not in login.email and login.password_hash == "-" and login.ended_at is not None
    assert (told.ip, told.user_agent) == (None, None) and told.ended_at is not None
    perform(world.owner(), "staff.update", {"staff_id": who, "email": "peter@kisura.example"})
    perform(world.owner(), "staff.activate", {"staff_id": who})
    set_portal_password(world.hub, world.tenant_id, who, PASSWORD)
    assert sign_in(world.hub, "peter@kisura.example", PASSWORD)
