"""Revisions of the tables, policies and triggers that only the hub has (PostgreSQL)."""
