"""Revisions of the tables that only a node has (SQLite)."""
