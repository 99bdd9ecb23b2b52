"""What stands on a sheet of A4 that a shop hands out: heading, facts, a table, sums, sentences, places to sign.

Each paper (invoice, statement, order, agreement, manifest) is one function from its own data to a `Letter`, so they all
look alike and only what they say differs. Texts may hold anything a person typed; the medium makes them safe.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """Whose paper it is, at the top of every document of the shop."""

    shop_name: str
    shop_address: str = ""
    shop_phone: str = ""
    tax_id: str = ""


@dataclass(frozen=True)
class Column:
    """One column: its share of the width, and whether its cells are figures."""

    title: str
    share: int
    is_figure: bool = False


@dataclass(frozen=True)
class TableRow:
    """A row of cells; notes stand small under the first."""

    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_strong: bool = False


@dataclass(frozen=True)
class Sum:
    label: str
    amount: str
    is_total: bool = False  # the largest figures of the paper


@dataclass(frozen=True)
class Letter:
    """One document. Empty parts take no room."""

    heading: Heading
    title: str
    number: str
    facts: tuple[tuple[tuple[str, str], ...], ...] = ()  # rows of label and value
    banner: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[TableRow, ...] = ()
    sums: tuple[Sum, ...] = ()
    sentences: tuple[str, ...] = ()
    statement: str = ""  # what is signed: larger than the small print
    signatures: tuple[str, ...] = ()
    footer: str = ""
    code: str = ""  # a QR code of an address, and what it is for
    code_words: str = ""
