"""What a process makes once, and thousands of tests in one process would make again: addresses, statements, templates.

A shop's process has one application and one database. Each test has its own of both, of the same code, so what follows
from the code alone is shared between them: how an address is built, the SQL of a statement, a template's bytecode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

STATEMENTS_MAX = 10_000

_builders: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}
_standing: dict[str, Engine] = {}


def share_addresses() -> None:
    """Compile the builder of an address once: it depends on the rule's text, and is handed the rule itself."""
    compile_builder = Rule._compile_builder

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = (rule.rule, rule.merge_slashes, rule.subdomain, rule.host, defaults, append_unknown)
        if key not in _builders:
            _builders[key] = compile_builder(rule, append_unknown)
        return _builders[key]

    Rule._compile_builder = compile_once  # type: ignore[assignment]


def share_statements() -> None:
    """Let all engines of one kind have one dialect, under which statements are kept, and one place to keep them."""
    begin = Engine.__init__

    def begin_sharing(engine: Engine, pool: Any, dialect: Any, url: Any, *more: Any, **named: Any) -> None:
        begin(engine, pool, dialect, url, *more, **named)
        first = _standing.get(url.drivername)
        if first is not None and "server_version_info" in vars(first.dialect):  # it has met its server
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        elif first is None:
            engine._compiled_cache = LRUCache(STATEMENTS_MAX)
            _standing[url.drivername] = engine

    Engine.__init__ = begin_sharing  # type: ignore[assignment]


class KeptInMemory(BytecodeCache):
    """Compiled templates by name and source."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        kept = self._kept.get((bucket.key, bucket.checksum))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


def share_templates() -> None:
    """Compile each template once for all applications."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": KeptInMemory()}


def share() -> None:
    share_addresses()
    share_statements()
    share_templates()
