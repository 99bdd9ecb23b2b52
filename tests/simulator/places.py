"""Where people work: a shop's computer, and the owner's portal at the hub. Both can lose their plug and come back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import text

from shopnode.domain.clock import ManualClock
from shopnode.domain.context import Actor, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.machine.fence import Fence, place_of
from shopnode.machine.runtime import notice_restore
from shopnode.machine.storage import ShopHome, Space
from shopnode.sync.worker import SyncWorker
from tests.hub.world import NODE_KEY
from tests.simulator.ground import Premises
from tests.simulator.plugs import Side
from tests.simulator.wire import Wire

if TYPE_CHECKING:
    from tests.simulator.world import World

ROOMY = 10**12  # bytes free on a disk that nobody worries about
FILES = ("shop.db", "shop.db-wal")


@dataclass(frozen=True)
class Written:
    """An entry as it stands in a journal: what was recorded, read at the moment somebody was told."""

    origin: str
    n: int
    entry_id: str
    rows: list[Any]
    result: dict[str, Any]


class Portal:
    """The owner's browser at the hub."""

    label = "portal"
    side: Side = "hub"
    shop_id: str | None = None

    def __init__(self, world: World):
        self.world = world

    def context(self, actor: Actor) -> Context:
        return Context(self.world.hub.home(self.world.ours.tenant_id), actor, None)

    def come_back(self) -> None:
        self.world.restart_hub()

    def query(self, statement: str, **values: Any) -> Sequence[Any]:
        with self.world.hub.database.session(self.world.ours.tenant_id, read_only=True) as session:
            return session.execute(text(statement), values).all()

    def find(self, entry_id: str) -> Written | None:
        return _written(self.query(_AT_THE_HUB, id=entry_id))


class Computer:
    """A shop's PC: its file, its clock, its line, and the program that runs on it until the plug is pulled."""

    side: Side = "node"

    def __init__(
        self, world: World, premises: Premises, label: str, file: Path, enrol: Callable[[Computer], None] | None = None
    ):
        self.world = world
        self.premises = premises
        self.label = label
        self.shop_id = premises.shop_id
        self.folder = world.folder / label
        self.folder.mkdir()
        shutil.copy(file, self.folder / "shop.db")
        self.copies: list[Path] = []  # of the books, on other disks
        self.is_twin = False  # its disk was copied from another computer's
        self.clock = ManualClock(world.clock.wall_ms(), boot=f"{world.chance.randrange(16**8):08x}")
        self.wire = Wire(world, self)
        self.free_bytes = ROOMY
        self.is_short = False  # of room on its disk, in one way or the other
        self.lineage = 0  # grows when the file is replaced by another one: what was seen before may be gone
        self.put_away = False
        self.began_at = 0  # feed number its books began with, for one that was given them whole
        if enrol is not None:
            enrol(self)
        self.open(is_new=True)

    # running and not

    def open(self, *, is_new: bool = False) -> None:
        """Start the program on the file that is there, as a shop's computer does."""
        self.database = NodeDatabase(self.folder / "shop.db", NODE_KEY)
        self.database.guard()
        space = Space(self.folder / "ballast", 0, 16 * 2**20, free=lambda path: self.free_bytes)
        self.fence = Fence(self.folder / "keys" / "fence")
        self.home = ShopHome(self.database, self.clock, self.world.chance.randbytes, space, self.fence)
        if is_new and self.fence.read() is None:
            with self.home.reading() as session:
                self.fence.put(place_of(session))
        notice_restore(self.home, self.fence)
        self.worker = SyncWorker(
            self.home, software="simulated", transport=self.wire, chance=self.world.chance.random
        )  # fmt: skip

    def close(self) -> None:
        self.fence.close()
        self.database.close()

    def take_last_look(self) -> None:
        """The files as they are at the moment the plug is pulled."""
        self.copy_files(self.folder / "image")

    def copy_files(self, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in FILES:
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, target / name)

    def come_back(self) -> None:
        """Open what the plug left behind; often the computer itself was off."""
        self.close()
        image = self.folder / "image"
        if image.exists():
            self.replace_files(image)
            shutil.rmtree(image)
        if self.world.chance.random() < 0.5:
            self.reboot()
        self.open()

    def replace_files(self, source: Path) -> None:
        """Put other books where these are; the fence stands elsewhere and stays."""
        for name in (*FILES, "shop.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
        for name in FILES:
            if (source / name).exists():
                shutil.copy(source / name, self.folder / name)

    def lose_fence(self) -> None:
        shutil.rmtree(self.folder / "keys")

    def reboot(self) -> None:
        self.clock.boot = f"{self.world.chance.randrange(16**8):08x}"
        self.clock.uptime_ms = self.world.chance.randrange(1_000, 60_000)

    def restart(self) -> None:
        """The program ends in good order and starts again."""
        self.close()
        self.open()

    def run_short(self, free_bytes: int) -> None:
        self.free_bytes, self.is_short = free_bytes, True

    def stop_growing(self) -> None:
        """The file may have no more pages than it has."""
        self.is_short = True
        with self.database.raw_writer().connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")

    def have_room(self) -> None:
        self.free_bytes, self.is_short = ROOMY, False
        with self.database.raw_writer().connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")

    def twin(self, *, with_fence: bool) -> Computer:
        """Another computer with a copy of this one's disk, with or without what stands outside the data folder."""
        copied = self.folder / "disk"
        self.copy_files(copied)
        made = object.__new__(Computer)
        made.__dict__.update(self.__dict__)
        made.label, made.folder = f"{self.label} twin", self.world.folder / f"{self.label}-twin"
        made.folder.mkdir()
        made.replace_files(copied)
        shutil.rmtree(copied)
        if with_fence:
            shutil.copytree(self.folder / "keys", made.folder / "keys")
        made.clock = ManualClock(self.world.clock.wall_ms(), boot=f"{self.world.chance.randrange(16**8):08x}")
        made.wire, made.copies, made.is_twin = Wire(self.world, made), [], True
        made.free_bytes, made.is_short = ROOMY, False  # on a full one it would not start, and say why
        made.open()
        return made

    # what it does and knows

    def sync(self) -> str:
        """One round of the worker; answers how it thinks things are."""
        self.worker._try()
        return self.worker._state[0]

    def context(self, actor: Actor) -> Context:
        return Context(self.home, actor, self.shop_id)

    def query(self, statement: str, **values: Any) -> Sequence[Any]:
        with self.database.reading() as session:
            return session.execute(text(statement), values).all()

    def find(self, entry_id: str) -> Written | None:
        return _written(self.query(_AT_A_SHOP, id=entry_id))


def _written(rows: Sequence[Any]) -> Written | None:
    if not rows:
        return None
    origin, n, entry_id, body, result = rows[0]
    return Written(origin, n, entry_id, orjson.loads(body)["rows"], orjson.loads(result or "{}"))


_AT_A_SHOP = "SELECT origin_id, n, entry_id, body, result FROM journal_entry WHERE entry_id = :id"
_AT_THE_HUB = """
SELECT origin_id::text, n, entry_id::text, body, result FROM journal_entry WHERE entry_id = CAST(:id AS uuid)
"""
