"""What people were told, kept outside the system: the only judge of what must be there in the end.

Everything is written down at the moment `perform()` returned: who was told what, and the rows that were recorded for
it, copied from the journal of the home it was done in. From these alone follows what every book must hold. What no
surviving copy held when a computer or the hub was taken back is excused, and listed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shopnode.domain.db import Kind, synced_models
from sync_protocol.personal import is_marker
from tests.simulator.ground import Business
from tests.simulator.words import Expected, odd_sums, promised, recorded

if TYPE_CHECKING:
    from tests.simulator.places import Computer, Portal

RowKey = tuple[str, str]  # entity, row id
FieldKey = tuple[str, str, str]  # entity, row id, field

# Values that are typed once and never again, so that an edit's "before" names the edit it was made over.
TYPED_ONCE = {
    ("product", "price_minor"), ("product", "name"), ("product", "min_stock_level"), ("staff", "name"),
    ("setting", "value"), ("shop", "receipt_footer"), ("business", "name"), ("handset", "colour"),
}  # fmt: skip


# Acts that print a receipt, and how their answer calls its number.
SELLS = {
    "sales.sell": "number", "returns.exchange": "number", "usedphones.trade_in": "sale_number",
    "plans.open": "sale_number", "plans.complete": "sale_number", "repairs.deliver": "sale_number",
    "repairs.charge_loaner": "sale_number",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One act whose success somebody was shown."""

    entry_id: str
    where: str
    shop_id: str | None
    action: str
    form: dict[str, Any]
    result: dict[str, Any]
    rows: list[Any]

    def inserts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for entity, op, columns, rows in self.rows:
            if op == "i":
                for row in rows:
                    yield entity, dict(zip(columns, row, strict=True))


@dataclass(frozen=True)
class SaleTold:
    """A sale as its receipt says it."""

    sale_id: str
    entry_id: str
    shop_id: str
    number: str
    total: int


@dataclass(frozen=True)
class Edit:
    """One value typed over another."""

    entry_id: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Look:
    """What a shop's screen showed of a price, and up to which feed number that shop had heard."""

    computer: str
    cursor: int
    row_id: str
    value: int
    typed: Edit | None  # the last price that was typed at this very computer


@dataclass
class Oracle:
    """The tester's own journal."""

    business: Business
    told: dict[str, Told] = field(default_factory=dict)
    sales: dict[str, SaleTold] = field(default_factory=dict)
    numbers: dict[str, tuple[str, str]] = field(default_factory=dict)  # receipt number → its sale, and where it was
    twin_numbers: set[str] = field(default_factory=set)  # printed by two computers with one identity
    edits: dict[FieldKey, list[Edit]] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)  # entries no copy of which was left
    lives: int = 1  # of the hub: one more each time it is taken back
    faults: list[str] = field(default_factory=list)

    def tell(
        self, place: Computer | Portal, action: str, form: dict[str, Any], result: dict[str, Any], entry_id: str,
        expected: Expected | None,
    ) -> None:  # fmt: skip
        """Somebody was told that it was done."""
        written = place.find(entry_id)
        if written is None:
            self.faults.append(f"A1: {action} was told at {place.label}, and no entry of it was written")
            return
        told = Told(entry_id, place.label, place.shop_id, action, form, result, written.rows)
        self.told[entry_id] = told
        if result.get(SELLS.get(action, "")):
            self._hear_sale(told, expected)
        if result.get("z_number"):
            self._hear_number(result["z_number"], result["z_report_id"], told.where)
        self._hear_words(told, expected)
        self._hear_edits(told)

    def _hear_sale(self, told: Told, expected: Expected | None) -> None:
        """A receipt: its sum is what was handed over, and its number is new for ever."""
        sale_id, number = told.result["sale_id"], told.result[SELLS[told.action]]
        reckoned = expected.total if expected else None
        total = told.result.get("total", reckoned)  # of a plan that is fetched, what was agreed on
        assert told.shop_id is not None and total is not None
        self.sales[sale_id] = SaleTold(sale_id, told.entry_id, told.shop_id, number, total)
        rows = [(entity, row) for entity, row in told.inserts() if row.get("sale_id") == sale_id]
        paid = sum(row["amount_minor"] for entity, row in rows if entity == "payment")
        sold = sum(row["quantity"] for entity, row in rows if entity == "sale_line" and row.get("product_id"))
        moved = -sum(row["quantity"] for entity, row in rows if entity == "stock_movement")
        if reckoned not in (None, total) or paid != total or sold != moved:
            self.faults.append(f"A1: receipt {number} says {total}, {paid} paid, {sold} sold, {moved} moved")
        self._hear_number(number, sale_id, told.where)

    def _hear_number(self, number: str, row_id: str, where: str) -> None:
        """A number on a receipt or a Z report, which no other paper may have."""
        first = self.numbers.setdefault(number, (row_id, where))
        if first[0] == row_id:
            return
        if first[1] != where and first[1].split()[0] == where.split()[0]:
            self.twin_numbers.add(number)  # nobody can know before they meet; the owner must be told then
        else:
            self.faults.append(f"R1: receipt number {number} was printed twice, at {first[1]} and {where}")

    def _hear_words(self, told: Told, expected: Expected | None) -> None:
        """What was recorded of money, accounts and goods is what was said and what people reckoned."""
        said, (stands, pieces) = promised(told.action, told.form, told.result), recorded(told.inserts())
        odd = odd_sums(told.action, told.result)
        if odd is not None:
            self.faults.append(f"A1: {told.action} at {told.where}: {odd}")
        if said not in (None, stands):
            self.faults.append(f"A1: {told.action} at {told.where} said {said}, and {stands} was recorded")
        if expected is None:
            return
        names = expected.pieces.keys() | (set() if expected.others_may_move else pieces.keys())
        wrong = {name: (expected.pieces.get(name, 0), pieces[name]) for name in names
                 if expected.pieces.get(name, 0) != pieces[name]}  # fmt: skip
        if wrong:
            self.faults.append(f"A1: {told.action} at {told.where}: pieces that people counted, then moved: {wrong}")

    def _hear_edits(self, told: Told) -> None:
        for entity, op, columns, rows in told.rows:
            for row in rows:
                for name, value in zip(columns[1:], row[1:], strict=True):
                    before, after = (None, value) if op == "i" else value[:2]
                    if (entity, name) in TYPED_ONCE and not is_marker(after):
                        self.edits.setdefault((entity, row[0], name), []).append(Edit(told.entry_id, before, after))

    def look(self, computer: Computer) -> None:
        """Somebody looks at the prices on a shop's screen. After a restore it shows what it knew before as well."""
        if computer.lineage or computer.is_twin or self.lives > 1:
            return
        ((cursor,),) = computer.query("SELECT seen FROM installation")
        for row_id, value in computer.query("SELECT id, price_minor FROM product"):
            edits = self.edits.get(("product", row_id, "price_minor"), ())
            mine = [edit for edit in edits if self.told[edit.entry_id].where == computer.label]
            self.looks.append(Look(computer.label, cursor, row_id, value, mine[-1] if mine else None))

    def facts(self, present: Container[RowKey], admitted: Callable[[str], float]) -> dict[RowKey, list[dict[str, Any]]]:
        """Every fact and decision that must stand, by row; of an act done twice every telling, the first taken first.

        present   the rows that are there: of what is excused, they count if they survived after all
        admitted  when the hub took an entry
        """
        found: dict[RowKey, list[dict[str, Any]]] = {}
        models = synced_models()
        for told in sorted(self.told.values(), key=lambda told: admitted(told.entry_id)):
            is_excused = told.entry_id in self.excused
            for entity, row in told.inserts():
                if models[entity].__sync__.kind not in (Kind.FACT, Kind.DECISION):
                    continue
                if not is_excused or (entity, row["id"]) in present:
                    found.setdefault((entity, row["id"]), []).append(row)
        return found

    def standing_values(self, key: FieldKey) -> set[Any] | None:
        """The values of which one must hold: typed, and typed over by nobody who had seen them.

        None where a value was typed twice, as by an owner who chose an earlier one, or where one may be gone.
        """
        edits = self.edits[key]
        after = [edit.after for edit in edits]
        if len(set(after)) != len(after) or not self.excused.isdisjoint(edit.entry_id for edit in edits):
            return None
        return set(after) - {edit.before for edit in edits}
