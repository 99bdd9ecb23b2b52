"""Sells on a disk until it is full, and tells what happened: run by test_storage.py in a mount of its own."""

import contextlib
import json
import secrets
import shutil
import sys
from pathlib import Path

from shopnode.config import Settings, data_folder
from shopnode.domain.actions import perform
from shopnode.domain.clock import SystemClock
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import ShopError
from shopnode.machine.founding import found_standalone
from shopnode.machine.runtime import Node
from tests.node.conftest import NEW_SHOP
from tests.node.test_storage import A_SALE

MIB = 2**20


def main(disk: Path) -> None:
    folder = data_folder(disk / "shop")
    found_standalone(folder, Settings(), NEW_SHOP, SystemClock(), secrets.token_bytes)
    told = []
    with Node.open(folder.path) as node:
        node.space.keep_ballast()
        ctx = Context(node.home, CONSOLE, node.home.shop_id)
        perform(ctx, "cash.open_drawer", {"opening_float": 0})
        for left in (40 * MIB, 3 * MIB, 0):
            fill(disk, left)
            told.append([attempt(ctx, "sales.sell", A_SALE), attempt(ctx, "customers.create", {"name": "A"})])
        (disk / "junk").unlink()
        told.append([attempt(ctx, "sales.sell", A_SALE), attempt(ctx, "customers.create", {"name": "A"})])
    print(json.dumps(told))


def attempt(ctx: Context, name: str, params: dict) -> str:
    try:
        return perform(ctx, name, params).result.get("number", "done")
    except ShopError as refused:
        return refused.code


def fill(disk: Path, left: int) -> None:
    """Write for real until only so much room is left."""
    with contextlib.suppress(OSError), (disk / "junk").open("ab") as junk:
        junk.write(bytes(max(0, shutil.disk_usage(disk).free - left)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
