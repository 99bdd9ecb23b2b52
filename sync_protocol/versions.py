"""Which versions are spoken, and how older entries are read.

Protocol (how to talk) and schema (what rows hold) are numbered apart; both are named in every exchange. The hub is
upgraded first and speaks every version of the last 24 months; nodes speak exactly one.

Invariants:
  * Upcasters run at the hub's door only, one step each, and never touch what was hashed: they return a new entry.
  * A node that is too old gets `upgrade`, one that is too new `hub_behind`; neither loses anything.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sync_protocol.problems import HubBehind, UpgradeNeeded
from sync_protocol.shape import Entry

PROTOCOL_VERSION = 2
SCHEMA_VERSION = 3

PROTOCOLS = range(1, PROTOCOL_VERSION + 1)  # what the hub speaks
SCHEMAS = range(1, SCHEMA_VERSION + 1)

COMMANDS_SINCE = {"rotate_key": 2}  # the first protocol whose nodes know a command

Upcaster = Callable[[Entry], Entry]


class Upcasters:
    """Steps from one schema to the next, by the schema they start from."""

    def __init__(self) -> None:
        self._steps: dict[int, Upcaster] = {}

    def step(self, from_schema: int) -> Callable[[Upcaster], Upcaster]:
        """Register the step from a schema to the one after it.

        @UPCASTERS.step(1)
        def name_the_network(entry): ...
        """

        def register(upcaster: Upcaster) -> Upcaster:
            if from_schema in self._steps:
                raise ValueError(f"schema {from_schema} has a step already")
            self._steps[from_schema] = upcaster
            return upcaster

        return register

    def upcast(self, entry: Entry, to_schema: int = SCHEMA_VERSION) -> Entry:
        """The entry as the given schema would have written it. A schema without a step differs only by additions."""
        for schema in range(entry["schema"], to_schema):
            step = self._steps.get(schema)
            entry = {**(step(entry) if step else entry), "schema": schema + 1}
        return entry


UPCASTERS = Upcasters()


def check_versions(protocol: int, schema: int, protocols: range = PROTOCOLS, schemas: range = SCHEMAS) -> None:
    """Raise UpgradeNeeded or HubBehind unless both versions are spoken here."""
    spoken = [protocols[0], protocols[-1]], [schemas[0], schemas[-1]]
    if protocol < protocols[0] or schema < schemas[0]:
        raise UpgradeNeeded(*spoken)
    if protocol > protocols[-1] or schema > schemas[-1]:
        raise HubBehind(*spoken)


def known_commands(commands: Iterable[dict[str, Any]], protocol: int) -> list[dict[str, Any]]:
    """The commands that a node of this protocol understands; the others wait for its upgrade."""
    return [order for order in commands if COMMANDS_SINCE.get(str(order.get("command")), 1) <= protocol]
