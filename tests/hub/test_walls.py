"""Row-level security: the catalogue finds every known hole, and the holes that were reproduced stay shut."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from cloudhub.base import APP_ROLE, GATE_ROLE
from cloudhub.database import HubDatabase, UnsafeDatabase
from cloudhub.hub import OWNER_ROLE
from cloudhub.migrate import role_url
from cloudhub.postgres import SUPERUSER
from cloudhub.rls import granted_tables, holes, role_fault
from shopnode.domain.people.models import Shop, Staff
from tests.hub.raw import product, raw_node
from tests.hub.world import Server, World, open_world


@pytest.fixture(scope="module")
def walls(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A hub that no test of this file changes for good."""
    made = open_world(server, tmp_path_factory.mktemp("walls"))
    yield made
    made.close()
    server.drop(made.database)


@pytest.fixture
def admin(walls: World) -> Iterator[Connection]:
    """The superuser, in a transaction that is given up."""
    engine = create_engine(walls.server.postgres.url(SUPERUSER, walls.database))
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def as_owner(world: World) -> psycopg.Connection:
    return psycopg.connect(world.server.owner_url(world.database).replace("+psycopg", ""), autocommit=True)


def test_the_hubs_walls_have_no_hole(walls: World) -> None:
    walls.hub.database.check()
    assert walls.hub.database.holes() == []


HOLES = {
    "a new table nobody gave a policy": "CREATE TABLE extra (tenant_id uuid PRIMARY KEY)",
    "row security switched off": "ALTER TABLE sale DISABLE ROW LEVEL SECURITY",
    "row security not forced": "ALTER TABLE sale NO FORCE ROW LEVEL SECURITY",
    "a policy dropped": "DROP POLICY tenant_rows ON sale",
    "a weaker policy beside it": "CREATE POLICY everybody ON sale USING (true)",
    "a policy that matches the empty text": (
        "DROP POLICY tenant_rows ON sale; CREATE POLICY tenant_rows ON sale "
        "USING (tenant_id::text = current_setting('app.tenant', true))"
    ),
    "the gate let into the books": f"CREATE POLICY gate_looks_up ON sale FOR ALL TO {GATE_ROLE} USING (true)",
    "a view that runs as its owner": "CREATE VIEW all_sales AS SELECT * FROM sale",
    "a materialised view": "CREATE MATERIALIZED VIEW all_sales AS SELECT * FROM sale",
    "a function with its definer's rights": (
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM sale'"
    ),
    "a unique key across tenants": "CREATE UNIQUE INDEX one_phone ON customer (phone)",
    "an index that does not begin with the tenant": "CREATE INDEX ix_phone ON customer (phone)",
    "a foreign key that can leave the tenant": (
        "ALTER TABLE staff ADD UNIQUE (id); ALTER TABLE sale ADD FOREIGN KEY (seller_id) REFERENCES staff (id)"
    ),
    "a tenant that may be empty": (
        "CREATE TABLE extra (tenant_id uuid); ALTER TABLE extra ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE extra FORCE ROW LEVEL SECURITY"
    ),
    "a table of nobody that the application may read": (
        f"CREATE TABLE extra (a int); GRANT SELECT ON extra TO {APP_ROLE}"
    ),
    "another schema": "CREATE SCHEMA side",
}


@pytest.mark.parametrize("statement", HOLES.values(), ids=HOLES)
def test_the_catalogue_finds_each_hole(admin: Connection, statement: str) -> None:
    assert holes(admin) == []
    admin.exec_driver_sql(statement)
    assert holes(admin)


def test_the_hub_does_not_start_with_a_hole(world: World) -> None:
    with world.server.superuser(world.database) as connection:
        connection.execute("CREATE VIEW all_sales AS SELECT * FROM sale")
    with pytest.raises(UnsafeDatabase, match="all_sales"):
        world.hub.database.check()


@pytest.mark.parametrize("fault", ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION"])
@pytest.mark.parametrize("role", [APP_ROLE, GATE_ROLE])
def test_a_role_that_may_too_much_is_refused(admin: Connection, role: str, fault: str) -> None:
    admin.exec_driver_sql(f"ALTER ROLE {role} {fault}")
    admin.exec_driver_sql(f"SET LOCAL ROLE {role}")
    assert role in (role_fault(admin, role) or "")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE others NOLOGIN; GRANT others TO {role}",
        "CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO {role}",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION mine() OWNER TO {role}",
        "SET row_security = off",
    ],
)
def test_a_role_that_owns_inherits_or_looks_past_is_refused(admin: Connection, statement: str) -> None:
    admin.exec_driver_sql(statement.format(role=APP_ROLE))
    admin.exec_driver_sql(f"SET LOCAL ROLE {APP_ROLE}")
    assert role_fault(admin, APP_ROLE)


def test_a_role_under_another_name_is_refused(walls: World) -> None:
    owner = walls.server.owner_url(walls.database)
    database = HubDatabase(role_url(owner, GATE_ROLE), role_url(owner, GATE_ROLE))
    with pytest.raises(UnsafeDatabase, match="not the role it should be"):
        database.check()
    database.close()


def test_the_owner_may_not_stand_in_for_the_application(walls: World) -> None:
    owner = walls.server.owner_url(walls.database)
    database = HubDatabase(owner, role_url(owner, GATE_ROLE))
    with pytest.raises(UnsafeDatabase):
        database.check()
    database.close()


# --- the holes that were reproduced


def test_a_tenant_sees_its_own_rows_and_no_others(world: World) -> None:
    world.shop("KLA")
    world.shop("MAL", world.mallory)

    assert [row[0] for row in world.rows("SELECT code FROM shop")] == ["KLA"]
    assert [row[0] for row in world.rows("SELECT code FROM shop", world.mallory)] == ["MAL"]
    with world.session() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 1
        assert session.scalar(select(func.count()).select_from(Staff)) == 1


def test_every_table_of_tenants_hides_the_strangers_rows(world: World) -> None:
    raw = raw_node(world)
    raw.write(product(raw.new_id()))
    raw.push()
    for table, _, _ in granted_tables():
        if "tenant_id" not in table.columns:
            continue
        stranger = f"SELECT count(*) FROM {table.name} WHERE tenant_id = '{world.tenant_id}'"
        assert world.rows(stranger, world.mallory) == [(0,)], table.name


def test_a_session_without_tenant_sees_and_writes_nothing(world: World) -> None:
    world.shop("KLA")
    insert = text("INSERT INTO tenant (tenant_id, name, portal_origin_id, made_at) VALUES (:t, 'x', :t, 0)")
    with world.hub.database._app.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM shop").scalar() == 0
        connection.exec_driver_sql("SELECT set_config('app.tenant', '', false)")
        assert connection.exec_driver_sql("SELECT count(*) FROM shop").scalar() == 0
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(insert, {"t": world.mallory.owner_id})


def test_the_tenant_does_not_outlive_its_transaction_on_a_pooled_connection(world: World) -> None:
    world.shop("KLA")
    for _ in range(20):
        with world.session() as session:
            assert session.scalar(select(func.count()).select_from(Shop)) == 1
        with world.hub.database._app.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM shop").scalar() == 0
        with world.session(world.mallory) as session:
            assert session.scalar(select(func.count()).select_from(Shop)) == 0


def test_nested_transactions_and_rollbacks_keep_the_tenant(world: World) -> None:
    world.shop("KLA")
    with world.session() as session:
        nested = session.begin_nested()
        session.execute(text("SELECT 1"))
        nested.rollback()
        assert session.scalar(select(func.count()).select_from(Shop)) == 1


def test_a_row_cannot_be_written_for_or_moved_to_another_tenant(world: World) -> None:
    shop_id = world.shop("KLA")
    with pytest.raises(DBAPIError, match="row-level security"), world.session() as session:
        session.execute(text("UPDATE shop_seat SET tenant_id = :other"), {"other": world.mallory.tenant_id})
    with pytest.raises(DBAPIError, match="row-level security"), world.session() as session:
        session.execute(
            text("INSERT INTO shop_seat (tenant_id, shop_id, code, installations) VALUES (:t, :s, 'X', 0)"),
            {"t": world.mallory.tenant_id, "s": shop_id},
        )


def test_a_row_cannot_point_at_another_tenants_row(world: World) -> None:
    mallory_shop = world.shop("MAL", world.mallory)
    with pytest.raises(DBAPIError, match="foreign key"), world.session() as session:
        session.execute(
            text(
                "INSERT INTO enrol_code (tenant_id, code_hash, shop_id, made_at, expires_at) VALUES (:t, 'x', :s, 0, 0)"
            ),
            {"t": world.tenant_id, "s": mallory_shop},
        )


def test_the_owning_role_sees_nothing_without_a_tenant(world: World) -> None:
    world.shop("KLA")
    with as_owner(world) as connection:
        assert connection.execute("SELECT count(*) FROM shop").fetchone() == (0,)


def test_security_cannot_be_switched_off_by_the_application(world: World) -> None:
    with world.session() as session:
        session.execute(text("SET LOCAL row_security = off"))
        with pytest.raises(DBAPIError, match="row-level security"):
            session.execute(text("SELECT count(*) FROM shop"))
        session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sale", "DELETE FROM journal_entry", "UPDATE journal_entry SET body = ''", "DELETE FROM feed_line",
        "UPDATE feed_line SET body = ''", "SELECT * FROM hub_identity", "SELECT * FROM gate_throttle",
        "ALTER TABLE sale DISABLE TRIGGER ALL", "TRUNCATE sale", "CREATE TABLE x (a int)",
        "DROP POLICY tenant_rows ON sale",
        f"SET ROLE {OWNER_ROLE}", "COPY sale FROM '/etc/passwd'", "SELECT pg_read_file('/etc/passwd')",
    ],
)  # fmt: skip
def test_the_application_may_not(walls: World, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied|must be owner"), walls.session() as session:
        session.execute(text(statement))


@pytest.mark.parametrize("table", ["sale", "product", "journal_entry", "feed_line", "field_conflict"])
def test_the_gate_cannot_read_the_books(walls: World, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), walls.hub.database.gate() as session:
        session.execute(text(f"SELECT * FROM {table}"))


def test_the_gate_finds_out_who_somebody_is_and_changes_nothing(world: World) -> None:
    world.shop("KLA")
    with world.hub.database.gate() as session:
        assert session.execute(text("SELECT count(*) FROM tenant")).scalar() == 2
    with pytest.raises(DBAPIError, match="permission denied"), world.hub.database.gate() as session:
        session.execute(text("UPDATE shop_seat SET code = 'X'"))


def test_a_session_for_some_shops_reaches_no_others(world: World) -> None:
    kampala, entebbe = raw_node(world, "KLA"), raw_node(world, "EBB")
    with world.hub.database.session(world.tenant_id, shops=[kampala.shop]) as session:
        rows = session.execute(text("SELECT DISTINCT shop_id::text FROM staff_posting")).scalars().all()
        assert rows == [kampala.shop]
    with world.hub.database.session(world.tenant_id, shops=[kampala.shop, entebbe.shop]) as session:
        assert session.execute(text("SELECT count(*) FROM staff_posting")).scalar() == 2


def test_a_read_only_session_writes_nothing(walls: World) -> None:
    with (
        pytest.raises(DBAPIError, match="read-only"),
        walls.hub.database.session(walls.tenant_id, read_only=True) as session,
    ):
        session.execute(text("UPDATE tenant SET name = 'x'"))
