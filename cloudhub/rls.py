"""Row-level security: a session sees the rows of its tenant, and nothing when it names none.

`secure()` brings the database to what the tables declare, and `holes()` looks for everything that was shown to leak:
tables without a forced policy, keys that do not begin with the tenant, views that run as their owner, materialised
views, functions with their definer's rights. The hub does not start while there is a hole.

The capture guard's triggers are installed here too: every row of the books that is written outside bulk admission is
listed in the session's temporary `touched`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, Table, text

import shopnode.domain.models
from cloudhub.models import APP_ROLE, GATE_ROLE, HubBase
from shopnode.domain.db import Base, DerivedRow, HomeRow, LocalRow, Stream, SyncedRow, synced_columns, synced_models
from shopnode.domain.journal import JournalEntry

assert shopnode.domain.models  # imported so that every table is known

TENANT_RULE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
SHOPS_RULE = (
    "(SELECT nullif(current_setting('app.shops', true), '') IS NULL) OR "
    "shop_id = ANY ((SELECT string_to_array(current_setting('app.shops', true), ',')::uuid[])::uuid[])"
)
VERSION_TABLES = ("version_domain", "version_hub", "version_rules")

TOUCH = """
CREATE OR REPLACE FUNCTION note_touched() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO pg_temp.touched VALUES (TG_TABLE_NAME, OLD.id::text, TG_ARGV[0]);
  ELSE
    INSERT INTO pg_temp.touched VALUES (TG_TABLE_NAME, NEW.id::text, TG_ARGV[0]);
  END IF;
  RETURN NULL;
END $$;
"""

# The log may forget what is safe elsewhere (cloudhub/merge/floor.py), and nobody rewrites what a line said.
FORGET_ONLY = """
CREATE OR REPLACE FUNCTION forget_only() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  IF NEW.body IS NOT NULL OR NOT OLD.as_written OR NOT EXISTS (
    SELECT FROM origin o WHERE o.tenant_id = OLD.tenant_id AND o.id = OLD.origin_id AND o.durable_n >= OLD.n
  ) THEN
    RAISE insufficient_privilege USING MESSAGE = 'permission denied: line ' || OLD.no || ' of the feed must stay';
  END IF;
  RETURN NEW;
END $$;
"""


def secure(connection: Connection) -> None:
    """Grant what the tables declare, write their policies and install the guard, unless all that is as it should be."""
    statements = list(rules())
    digest = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS version_rules (digest text NOT NULL)")
    if connection.exec_driver_sql("SELECT digest FROM version_rules").scalars().all() == [digest]:
        return
    for statement in statements:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("DELETE FROM version_rules")
    connection.execute(text("INSERT INTO version_rules VALUES (:digest)"), {"digest": digest})


def rules() -> Iterable[str]:
    """Every statement of the hub's protection; each can be run again."""
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {GATE_ROLE}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {APP_ROLE}, {GATE_ROLE}"
    yield TOUCH
    yield FORGET_ONLY
    yield (
        "CREATE OR REPLACE TRIGGER forget_only BEFORE UPDATE OF body ON feed_line FOR EACH ROW "
        f"WHEN (current_user = '{APP_ROLE}') EXECUTE FUNCTION forget_only()"
    )
    for table, app, gate in granted_tables():
        if app:
            yield f"GRANT {app} ON {table.name} TO {APP_ROLE}"
        if gate:
            yield f"GRANT {gate} ON {table.name} TO {GATE_ROLE}"
        if "tenant_id" in table.columns:
            yield from policies(table, bool(gate))
    for name in ("journal_entry", "feed_line"):
        # A sale's entry is just over two kilobytes, where PostgreSQL begins to compress; that took longer than writing.
        yield f"ALTER TABLE {name} SET (toast_tuple_target = 8160)"
    for table, _, _ in granted_tables():
        if "tenant_id" in table.columns:
            yield first_statistics(table.name)
    for entity, model in synced_models().items():
        yield from guard_triggers(entity, synced_columns(model.__table__, model.__sync__))  # type: ignore[arg-type]


def granted_tables() -> Iterable[tuple[Table, str, str]]:
    """Every table of the hub with what the application and the gate may do with it."""
    for mapper in Base.registry.mappers:
        table, model = mapper.local_table, mapper.class_
        assert isinstance(table, Table)
        if issubclass(model, LocalRow):
            continue
        if model is JournalEntry:
            yield table, "SELECT, INSERT, UPDATE (personal, verdict)", ""
        elif issubclass(model, SyncedRow):
            yield table, "SELECT, INSERT, UPDATE", ""
        elif issubclass(model, HomeRow | DerivedRow):  # what a home keeps for itself it may forget
            yield table, "SELECT, INSERT, UPDATE, DELETE", ""
    for mapper in HubBase.registry.mappers:
        assert isinstance(mapper.local_table, Table)
        yield mapper.local_table, mapper.class_.app, mapper.class_.gate


def policies(table: Table, gate: bool) -> Iterable[str]:
    name = table.name
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    yield f"DROP POLICY IF EXISTS tenant_rows ON {name}"
    yield f"CREATE POLICY tenant_rows ON {name} USING ({TENANT_RULE}) WITH CHECK ({TENANT_RULE})"
    if gate:
        yield f"DROP POLICY IF EXISTS gate_looks_up ON {name}"
        yield f"CREATE POLICY gate_looks_up ON {name} FOR SELECT TO {GATE_ROLE} USING (true)"
    if _is_of_a_shop(table):
        yield f"DROP POLICY IF EXISTS shop_rows ON {name}"
        yield (
            f"CREATE POLICY shop_rows ON {name} AS RESTRICTIVE TO {APP_ROLE} "
            f"USING ({SHOPS_RULE}) WITH CHECK ({SHOPS_RULE})"
        )


def _is_of_a_shop(table: Table) -> bool:
    """Whether only those who reach a row's shop see it. In the tenant's stream a shop's id tells who wrote a row."""
    if "shop_id" not in table.columns or table.metadata is not Base.metadata:
        return False
    model = synced_models().get(table.name)
    return model is None or model.__sync__.stream is Stream.SHOP


def first_statistics(table: str) -> str:
    """Tell the planner of a table that was never analysed that all its rows are of one tenant.

    Every index begins with the tenant. Unless told, the planner takes that column for a fine key and any index for
    good enough, and the checks of foreign keys, whose plans are kept with a connection, walk through all rows of the
    tenant (seen: 1,000 rows read for each one checked). PostgreSQL 18 can be told; an older one learns by itself.
    """
    return f"""
        DO $$ BEGIN
          IF current_setting('server_version_num')::int >= 180000
            AND (SELECT reltuples <= 0 FROM pg_class WHERE oid = 'public.{table}'::regclass) THEN
            PERFORM pg_restore_attribute_stats('schemaname', 'public', 'relname', '{table}', 'attname', 'tenant_id',
              'inherited', false, 'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real);
          END IF;
        END $$"""


def guard_triggers(entity: str, columns: Iterable[str]) -> Iterable[str]:
    """What `shopnode.domain.guard` expects of this engine; bulk admission, which captures nothing, switches it off."""
    events = {"i": "INSERT", "u": f"UPDATE OF {', '.join(columns)}", "d": "DELETE"}
    for op, event in events.items():
        yield (
            f"CREATE OR REPLACE TRIGGER guard_{op} AFTER {event} ON {entity} FOR EACH ROW "
            f"WHEN (current_setting('app.bulk', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION note_touched('{op}')"
        )


_HOLES = {
    "a table without forced row-level security": """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
        AND NOT (c.relrowsecurity AND c.relforcerowsecurity)""",
    "a table of tenants whose policy is missing or weaker": """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
        AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_rows'
          AND p.polcmd = '*' AND p.polpermissive
          AND pg_get_expr(p.polqual, p.polrelid) = :rule AND pg_get_expr(p.polwithcheck, p.polrelid) = :rule)""",
    "a policy nobody declared": """
        SELECT c.relname || '.' || p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE p.polpermissive AND p.polname <> 'tenant_rows'
        AND NOT (p.polname = 'gate_looks_up' AND p.polcmd = 'r'
          AND p.polroles = ARRAY[CAST(CAST(:gate AS text) AS regrole)::oid])""",
    "a tenant_id that may be empty": """
        SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND a.attname = 'tenant_id' AND NOT a.attnotnull""",
    "a key that does not begin with the tenant": """
        SELECT c.relname || ' on ' || t.relname FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_attribute tenant ON tenant.attrelid = t.oid AND tenant.attname = 'tenant_id'
        WHERE t.relnamespace = 'public'::regnamespace AND i.indkey[0] <> tenant.attnum""",
    "a foreign key that could leave the tenant": """
        SELECT k.conname FROM pg_constraint k
        JOIN pg_attribute tenant ON tenant.attrelid = k.conrelid AND tenant.attname = 'tenant_id'
        WHERE k.contype = 'f' AND k.conkey[1] <> tenant.attnum""",
    "a table without tenant that the application can read": """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
        AND has_table_privilege(CAST(:app AS text), c.oid, 'SELECT, INSERT, UPDATE, DELETE')""",
    "a view that runs as its owner": """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
        AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)""",
    "a materialised view or foreign table": """
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('m', 'f')""",
    "a function with its definer's rights, or marked leakproof": """
        SELECT p.proname FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND (p.prosecdef OR p.proleakproof)""",
    "a schema nobody declared": """
        SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN
        ('public', 'information_schema')""",
}


def holes(connection: Connection) -> list[str]:
    """Everything in the database that could show one tenant's rows to another; an empty list when it is tight."""
    values = {"app": APP_ROLE, "gate": GATE_ROLE, "rule": _as_stored()}
    found = []
    for what, query in _HOLES.items():
        names = connection.execute(text(query), values).scalars()
        found += [f"{what}: {name}" for name in names]
    return sorted(found)


def _as_stored() -> str:
    return "(tenant_id = (NULLIF(current_setting('app.tenant'::text, true), ''::text))::uuid)"


_ROLE_FAULTS = text("""
    SELECT CASE
      WHEN r.rolsuper THEN 'is a superuser'
      WHEN r.rolbypassrls THEN 'may by-pass row-level security'
      WHEN r.rolcreaterole OR r.rolcreatedb OR r.rolreplication THEN 'may create roles or databases, or replicate'
      WHEN EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relpersistence <> 't') THEN 'owns tables'
      WHEN EXISTS (SELECT FROM pg_proc p WHERE p.proowner = r.oid) THEN 'owns functions'
      WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) THEN 'is a member of another role'
      WHEN r.rolname <> :expected THEN 'is not the role it should be'
    END FROM pg_roles r WHERE r.rolname = current_user
""")


def role_fault(connection: Connection, expected: str) -> str | None:
    """Why this connection's role must not be used, or None."""
    fault = connection.execute(_ROLE_FAULTS, {"expected": expected}).scalar_one()
    if fault is None and connection.exec_driver_sql("SHOW row_security").scalar_one() != "on":
        fault = "has row-level security switched off"
    return fault and f"The database role {expected} {fault}; the hub does not run like this."
