"""What a process makes once, and thousands of tests in one process would make again: addresses, statements, templates.

A shop's process has one application and one database. Each test has its own of both, of the same code, so what follows
from the code alone is shared between them: how an address is built, the SQL of a statement, a template's bytecode.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from shopnode.domain.people import passwords

STATEMENTS_MAX = 10_000

_compiled: dict[tuple[Any, ...], tuple[Any, ...]] = {}
_standing: dict[str, Engine] = {}
_slow_hasher = passwords._hasher


def share_addresses() -> None:
    """Read a rule and compile what builds its address once: both depend on its text, and are handed the rule itself."""
    compile_rule = Rule.compile

    def compile_once(rule: Rule) -> None:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = (rule.rule, rule.merge_slashes, rule.subdomain, rule.host, defaults)
        if key not in _compiled:
            compile_rule(rule)
            builders = [method.__func__ for method in (rule._build, rule._build_unknown)]  # type: ignore[attr-defined]
            _compiled[key] = (rule._parts, rule._trace, rule._converters, set(rule.arguments), *builders)
            return
        rule._parts, rule._trace, rule._converters, arguments, build, build_unknown = _compiled[key]
        rule.arguments |= arguments
        rule._build, rule._build_unknown = build.__get__(rule, None), build_unknown.__get__(rule, None)

    Rule.compile = compile_once  # type: ignore[method-assign]


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


def hash_quickly() -> None:
    """What these tests keep needs to withstand no thief. `slow_hashes` is for tests of what a hash is to cost."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@contextmanager
def slow_hashes() -> Iterator[None]:
    """Hash as the product does."""
    quick, passwords._hasher = passwords._hasher, _slow_hasher
    passwords._nobodys_hash.cache_clear()
    yield
    passwords._hasher = quick
    passwords._nobodys_hash.cache_clear()


def share() -> None:
    share_addresses()
    share_statements()
    share_templates()
    hash_quickly()
