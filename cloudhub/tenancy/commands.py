"""Commands about the shops' computers: let one take a new key, or take nothing from it any more."""

from __future__ import annotations

import click
from sqlalchemy import select

from cloudhub.console import json_option, say, with_hub
from cloudhub.hub import Hub
from cloudhub.tenancy.models import Node
from cloudhub.tenancy.nodes import revoke_node
from cloudhub.tenancy.rotation import ask_for_new_key
from cloudhub.tenancy.withdrawn import keep_withdrawn

node_option = click.option("--node", "node_id", required=True, help="The computer: its id.")


@click.command("rotate-key")
@with_hub
@node_option
@json_option
def rotate_key_command(hub: Hub, node_id: str, as_json: bool) -> None:
    """Let a shop's computer take a new key when it is next heard; the old one is dead from then on."""
    ask_for_new_key(hub.database, _tenant_of(hub, node_id), node_id, hub.clock.wall_ms())
    say(as_json, {"node": node_id}, "It takes a new key when it is next heard.")


@click.command("revoke")
@with_hub
@node_option
@json_option
def revoke_command(hub: Hub, node_id: str, as_json: bool) -> None:
    """Take nothing from a shop's computer any more, from its next word on."""
    revoke_node(hub.database, _tenant_of(hub, node_id), node_id, hub.clock.wall_ms())
    keep_withdrawn(hub)
    say(as_json, {"node": node_id}, "Nothing is taken from this computer any more.")


def _tenant_of(hub: Hub, node_id: str) -> str:
    with hub.database.gate() as session:
        tenant_id = session.scalars(select(Node.tenant_id).where(Node.id == node_id)).one_or_none()
    if tenant_id is None:
        raise click.ClickException("No computer has this id. The doctor and the portal name them.")
    return str(tenant_id)


OF_NODES = (rotate_key_command, revoke_command)
