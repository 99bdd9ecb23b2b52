"""The seam between a restored database and what nodes are told of it."""

from __future__ import annotations

import importlib
import importlib.util

from cloudhub.hub import Hub
from cloudhub.upkeep.databases import Keeper


def begin_life_after_restore(hub: Hub, keeper: Keeper) -> None:
    """Give the hub in this database a new epoch, so that every node that meets it winds itself back."""
    if importlib.util.find_spec("cloudhub.merge.lives"):
        importlib.import_module("cloudhub.merge.lives").begin_new_life(hub, "restored")
        return
    with keeper.connect(hub.database.name) as connection:
        connection.execute("UPDATE hub_identity SET epoch = %s", [hub.new_id()])
