"""A backup counts once it was really restored; a spoilt one is refused before anything live is touched."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudhub.hub import Hub, connect
from cloudhub.postgres import SUPERUSER
from cloudhub.upkeep import backup as backup_module
from cloudhub.upkeep.backup import SUFFIX, backups_in, make_backup, prefix_of
from cloudhub.upkeep.databases import SCRATCH, CannotKeep
from cloudhub.upkeep.envelope import FRAME_HEAD, BackupKey, BackupUnusable, SealedWriter, read_frames
from cloudhub.upkeep.restore import restore_backup
from shopnode.domain import failpoints
from shopnode.domain.permissions import Role
from shopnode.sync.models import HubLink
from tests.domain.till import open_till
from tests.hub.world import Node, Server, World, open_world

FLIPS = 24  # places in a file at which one bit is turned


def as_keeper(world: World, folder: Path, **more: object) -> Hub:
    """The same hub, with a role for backups and a data folder of its own."""
    admin = world.server.postgres.url(SUPERUSER, world.database)
    settings = world.hub.settings.model_copy(update={"admin_database_url": admin, "data": folder, **more})
    assert settings.database_url is not None
    return Hub(settings, connect(settings, settings.database_url), world.clock)


@pytest.fixture
def keeper(world: World, tmp_path: Path) -> Iterator[Hub]:
    made = as_keeper(world, tmp_path)
    yield made
    made.close()


def databases(server: Server) -> set[str]:
    with server.superuser("postgres") as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def durable(world: World) -> dict[str, tuple[int, int]]:
    return {row[0]: (row[1], row[2]) for row in world.rows("SELECT id::text, head_n, durable_n FROM origin")}


def sell(node: Node, times: int = 1) -> None:
    till = open_till(node)
    for _ in range(times):
        till.sell(role=Role.OWNER)
    node.sync()


def test_entries_are_durable_once_their_backup_was_restored(
    world: World, node: Node, keeper: Hub, tmp_path: Path
) -> None:
    sell(node)
    assert {safe for _, safe in durable(world).values()} == {0}

    made = make_backup(keeper, tmp_path / "elsewhere")

    heads = durable(world)
    assert all(head == safe for head, safe in heads.values())
    both = world.count("journal_entry") + world.count("journal_entry", world.mallory)
    assert made.made_durable == made.entries == both
    node.sync()
    with node.node_home.reading() as session:
        link = session.get_one(HubLink, 1)
        assert link.durable_n == link.accepted_n == heads[node.node_home.origin_id][0]


def test_what_came_after_the_dump_began_is_not_durable(
    world: World, node: Node, keeper: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(node)
    before = durable(world)

    def meanwhile(name: str) -> None:
        if name == "backup.written":
            node.do("products.create", {"name": "Earphones", "category": "Accessories", "price_minor": 9_000})
            node.sync()

    failpoints.watch(meanwhile)
    try:
        make_backup(keeper, tmp_path / "elsewhere")
    finally:
        failpoints.watch(None)

    head, safe = durable(world)[node.node_home.origin_id]
    assert (head, safe) == (before[node.node_home.origin_id][0] + 1, before[node.node_home.origin_id][0])


def test_a_backup_that_differs_from_what_was_dumped_does_not_count(
    world: World, node: Node, keeper: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that the dump left out, as a wrong option would."""
    dumped = backup_module._dump

    def without_sales(made: object, snapshot: str, sealed: SealedWriter) -> object:
        class Sparing:
            live = keeper_url = made.live  # type: ignore[attr-defined]

            def program(self, name: str, *arguments: str) -> object:
                return made.program(name, "--exclude-table-data=sale_line", *arguments)  # type: ignore[attr-defined]

        return dumped(Sparing(), snapshot, sealed)  # type: ignore[arg-type]

    sell(node)
    monkeypatch.setattr(backup_module, "_dump", without_sales)

    with pytest.raises(BackupUnusable, match="table sale_line"):
        make_backup(keeper, tmp_path / "elsewhere")

    assert not backups_in(tmp_path / "elsewhere", prefix_of(keeper))
    assert {safe for _, safe in durable(world).values()} == {0}


def test_a_full_disk_is_said_in_words_and_given_its_room_back(
    world: World, keeper: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: SealedWriter, document: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SealedWriter, "finish", full)
    with pytest.raises(CannotKeep, match="No space left on device"):
        make_backup(keeper, tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(CannotKeep, match="could not be written"):
        make_backup(keeper, tmp_path / "file" / "folder")


def test_as_many_backups_are_kept_as_was_asked_for(world: World, tmp_path: Path) -> None:
    keeper = as_keeper(world, tmp_path, backup_keep=2)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    stranger = folder / f"phoneshop-00000000-20200101T000000Z{SUFFIX}"
    stranger.write_bytes(b"another hub's")
    made = []
    for _ in range(3):
        world.clock.advance(86_400_000)
        made.append(make_backup(keeper, folder).path)
    keeper.close()

    assert backups_in(folder, prefix_of(keeper)) == made[1:]
    assert stranger.exists()


def test_the_key_is_nobody_elses_and_lies_outside_the_database(world: World, keeper: Hub, tmp_path: Path) -> None:
    made = make_backup(keeper, tmp_path / "elsewhere")

    assert made.new_key == tmp_path / "backup.key"
    assert made.new_key.stat().st_mode & 0o077 == 0
    assert made.path.stat().st_mode & 0o077 == 0
    again = make_backup(keeper, tmp_path / "elsewhere")
    assert again.new_key is None
    made.new_key.chmod(0o644)
    with pytest.raises(BackupUnusable, match="chmod 600"):
        make_backup(keeper, tmp_path / "elsewhere")


def test_a_role_that_cannot_see_all_rows_is_told_so(world: World, tmp_path: Path) -> None:
    assert world.hub.settings.admin_database_url is None
    with pytest.raises(CannotKeep, match="CLOUDHUB_ADMIN_DATABASE_URL"):
        make_backup(world.hub, tmp_path / "elsewhere")


# --- spoilt files


@pytest.fixture
def good(world: World, node: Node, keeper: Hub, tmp_path: Path) -> Path:
    sell(node)
    return make_backup(keeper, tmp_path / "elsewhere").path


def spoilt(good: Path, tmp_path: Path, change: Callable[[bytearray], object]) -> Path:
    raw = bytearray(good.read_bytes())
    change(raw)
    file = tmp_path / "spoilt"
    file.write_bytes(raw)
    return file


def refuse(world: World, keeper: Hub, file: Path, words: str) -> None:
    """The file is refused in these words, and nothing that lives was touched."""
    before, there = durable(world), databases(world.server)
    with pytest.raises(BackupUnusable, match=words):
        restore_backup(keeper, file)
    assert durable(world) == before
    assert databases(world.server) == there


def test_every_turned_bit_is_noticed(good: Path, keeper: Hub) -> None:
    raw = good.read_bytes()
    key = BackupKey(backup_module.read_or_make_key(keeper.settings.data / "backup.key", keeper.random)[0].secret)
    chance = random.Random(4)
    places = [*range(0, 200, 7), *(chance.randrange(len(raw)) for _ in range(FLIPS)), len(raw) - 1]
    for place in places:
        spoiled = bytearray(raw)
        spoiled[place] ^= 1 << chance.randrange(8)
        file = good.with_name("spoilt")
        file.write_bytes(spoiled)
        with pytest.raises(BackupUnusable), file.open("rb") as opened:
            for _ in read_frames(opened, key):
                pass


def test_a_turned_bit_leaves_the_live_hub_alone(world: World, keeper: Hub, good: Path, tmp_path: Path) -> None:
    def turn(raw: bytearray) -> None:
        raw[len(raw) // 2] ^= 4

    refuse(world, keeper, spoilt(good, tmp_path, turn), "damaged")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.999])
def test_a_backup_that_was_cut_off_is_refused(
    world: World, keeper: Hub, good: Path, tmp_path: Path, kept: float
) -> None:
    def cut(raw: bytearray) -> None:
        del raw[int(len(raw) * kept) :]

    refuse(world, keeper, spoilt(good, tmp_path, cut), "cut off|not a backup")


def test_a_backup_cut_between_two_parts_is_refused(world: World, keeper: Hub, good: Path, tmp_path: Path) -> None:
    """The last part says that it is the last, so a file that ends after a whole one is not whole."""

    def drop_last(raw: bytearray) -> None:
        last = raw.rindex(b"E", 0, len(raw) - 40)
        while FRAME_HEAD.unpack_from(raw, last - 4)[0] != len(raw) - last - 1:
            last = raw.rindex(b"E", 0, last)
        del raw[last - 4 :]

    refuse(world, keeper, spoilt(good, tmp_path, drop_last), "cut off")


def test_bytes_behind_the_end_are_refused(world: World, keeper: Hub, good: Path, tmp_path: Path) -> None:
    refuse(world, keeper, spoilt(good, tmp_path, lambda raw: raw.extend(b"more")), "behind the end")


def test_the_backup_of_another_hub_is_refused(
    world: World, server: Server, keeper: Hub, good: Path, tmp_path: Path
) -> None:
    """Also where both use one key, so that it is not the key that saves us."""
    other = open_world(server, tmp_path / "other")
    with server.superuser(other.database) as connection:
        connection.execute("UPDATE hub_identity SET private_key = sha256(private_key)")
    stranger = as_keeper(other, tmp_path)
    try:
        refuse(other, stranger, good, "another hub")
    finally:
        stranger.close()
        other.close()
        server.drop(other.database)


def test_a_backup_sealed_with_another_key_is_refused(world: World, keeper: Hub, good: Path, tmp_path: Path) -> None:
    (tmp_path / "backup.key").unlink()
    with pytest.raises(BackupUnusable, match="no key for backups"):
        restore_backup(keeper, good)
    backup_module.read_or_make_key(tmp_path / "backup.key", keeper.random)
    refuse(world, keeper, good, "sealed with another key")


def test_no_two_files_are_sealed_alike(tmp_path: Path) -> None:
    key = BackupKey(bytes(32))
    for name in ("one", "two"):
        with (tmp_path / name).open("wb") as file:
            sealed = SealedWriter(file, key, random.Random(name).randbytes)
            sealed.write(b"D", b"the same")
            sealed.finish({})
    one, two = ((tmp_path / name).read_bytes() for name in ("one", "two"))
    assert one[-20:] != two[-20:]
    mixed = one[: len(one) // 2] + two[len(one) // 2 :]
    (tmp_path / "mixed").write_bytes(mixed)
    with pytest.raises(BackupUnusable), (tmp_path / "mixed").open("rb") as file:
        list(read_frames(file, key))


# --- restoring


def test_a_restored_hub_is_as_it_was_and_keeps_what_stood_there(
    world: World, node: Node, keeper: Hub, good: Path, tmp_path: Path
) -> None:
    before = {table: world.count(table) for table in ("journal_entry", "feed_line", "sale", "stock_level")}
    node.do("products.create", {"name": "Earphones", "category": "Accessories", "price_minor": 9_000})
    node.sync()
    epoch = keeper.identity.epoch
    world.hub.close()

    done = restore_backup(keeper, good)

    assert {table: world.count(table) for table in before} == before
    assert all(head == safe for head, safe in durable(world).values())
    again = as_keeper(world, tmp_path)
    assert again.identity.public_key == keeper.identity.public_key
    assert again.identity.epoch != epoch
    again.close()
    with world.server.superuser(done.old_database) as connection:
        row = connection.execute("SELECT count(*) FROM journal_entry").fetchone()
    assert row is not None
    assert row[0] == before["journal_entry"] + 1 + world.count("journal_entry", world.mallory)
    world.server.drop(done.old_database)
    assert not [name for name in databases(world.server) if name.startswith(SCRATCH)]


def test_a_hub_that_is_in_use_is_not_pulled_away(world: World, keeper: Hub, good: Path) -> None:
    world.count("sale")  # the world's own hub keeps a connection
    there = databases(world.server)
    with pytest.raises(CannotKeep, match="Stop `cloudhub serve`"):
        restore_backup(keeper, good)
    assert databases(world.server) == there
