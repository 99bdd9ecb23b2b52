"""What the hub's tests stand on, beside the world that other layers share."""

from __future__ import annotations

import pytest

from tests.hub.world import Node, World


@pytest.fixture
def node(world: World) -> Node:
    """The PC of Kisura's shop in Kampala, enrolled and up to date."""
    return world.enrol("KLA")
