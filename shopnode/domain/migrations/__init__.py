"""Revisions of the tables that both homes have; they run on SQLite and on PostgreSQL, and only ever add."""
