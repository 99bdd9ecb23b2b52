"""Models equal migrations on both engines, and an upgrade is all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import create_engine, text

import shopnode.domain.models
import shopnode.sync.models
from cloudhub.hub import DATABASE, OWNER_ROLE
from cloudhub.migrate import upgrade_hub
from cloudhub.models import HubBase
from shopnode.domain.clock import ManualClock
from shopnode.domain.db import Base, LocalRow
from shopnode.domain.engine import DatabaseUnusable, NodeDatabase
from shopnode.domain.migrate import upgrade_node
from tests.hub.world import NODE_KEY, Server, World

assert shopnode.domain.models and shopnode.sync.models
VERSIONS = ("version_domain", "version_node", "version_hub", "version_rules")

POSTGRES_SHAPE = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def node_file(folder: Path, name: str) -> NodeDatabase:
    return NodeDatabase(folder / name, NODE_KEY)


def sqlite_shape(database: NodeDatabase) -> set[tuple[str, str]]:
    with database.raw_writer().connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    signs = str.maketrans({'"': "", ",": " ", "(": " ( ", ")": " ) "})  # a table written anew has its name in quotes
    plain = {(row[0], " ".join(sorted(row[1].translate(signs).split()))) for row in rows}
    return {(name, words) for name, words in plain if name not in VERSIONS and not name.startswith("sqlite_")}


def postgres_shape(url: str) -> dict[str, set[tuple[object, ...]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        shape = {name: {tuple(row) for row in connection.execute(text(q))} for name, q in POSTGRES_SHAPE.items()}
    engine.dispose()
    return {name: {row for row in rows if row[0] not in VERSIONS} for name, rows in shape.items()}


def test_models_equal_migrations_at_a_node(tmp_path: Path) -> None:
    migrated, modelled = node_file(tmp_path, "migrated.db"), node_file(tmp_path, "modelled.db")
    upgrade_node(migrated)
    with modelled.raw_writer().begin() as connection:
        Base.metadata.create_all(connection)

    assert sqlite_shape(migrated) == sqlite_shape(modelled)
    migrated.close()
    modelled.close()


def test_models_equal_migrations_at_the_hub(server: Server) -> None:
    server.sql(f"CREATE DATABASE modelled OWNER {OWNER_ROLE}")
    url = server.owner_url("modelled")
    local = {m.local_table.name for m in Base.registry.mappers if issubclass(m.class_, LocalRow)}
    engine = create_engine(url)
    with engine.begin() as connection:
        Base.metadata.create_all(connection, tables=[t for t in Base.metadata.sorted_tables if t.name not in local])
        HubBase.metadata.create_all(connection)
    engine.dispose()

    migrated, modelled = postgres_shape(server.owner_url(DATABASE)), postgres_shape(url)
    server.drop("modelled")
    for part in POSTGRES_SHAPE:
        assert migrated[part] == modelled[part], part


def test_upgrading_again_changes_nothing(world: World, tmp_path: Path) -> None:
    url = world.server.owner_url(world.database)
    before = postgres_shape(url)
    upgrade_hub(url, ManualClock())
    assert postgres_shape(url) == before

    database = node_file(tmp_path, "shop.db")
    upgrade_node(database)
    shape = sqlite_shape(database)
    upgrade_node(database)
    assert sqlite_shape(database) == shape
    database.close()


def test_a_node_written_by_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    database = node_file(tmp_path, "shop.db")
    upgrade_node(database)
    with database.raw_writer().begin() as connection:
        connection.exec_driver_sql("UPDATE version_domain SET version_num = 'd9999'")

    with pytest.raises(DatabaseUnusable, match="newer version"):
        upgrade_node(database)
    database.close()


def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = node_file(tmp_path, "shop.db")

    def broken(*arguments: object, **named: object) -> None:
        raise sa.exc.OperationalError("the plug was pulled", None, Exception())

    with monkeypatch.context() as patch:
        patch.setattr("shopnode.domain.migrate.NODE", tmp_path / "nowhere")
        with pytest.raises(Exception, match="nowhere"):
            upgrade_node(database)

    assert sqlite_shape(database) == set()
    upgrade_node(database)
    assert sqlite_shape(database)
    database.close()
