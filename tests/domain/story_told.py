"""What a story's counter told outside of the shop: its tickets, what came back of them, and who owes whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.domain.till import FLOAT


@dataclass
class TicketLine:
    """So many pieces for so much, and what came back of them."""

    quantity: int
    paid: int
    imei: str | None
    back: int = 0

    def worth_of(self, pieces: int) -> int:
        """What the next pieces to come back are worth: parts of what was paid, to the shilling."""
        return self.paid * (self.back + pieces) // self.quantity - self.paid * self.back // self.quantity


@dataclass
class Ticket:
    number: str
    customer: str | None
    lines: dict[str, TicketLine]
    refunded: int = 0
    undone: bool = False

    @property
    def total(self) -> int:
        return sum(line.paid for line in self.lines.values())

    @property
    def kept(self) -> int:
        """What the goods the customer has come to, and the fees that were kept."""
        return 0 if self.undone else self.total - self.refunded

    @property
    def left(self) -> list[tuple[str, TicketLine]]:
        return [(line_id, line) for line_id, line in self.lines.items() if line.back < line.quantity]


@dataclass
class Told:
    """What was seen and said at the counter."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    cash: int = FLOAT  # in the drawer, in the shop's own notes
    references: int = 0
    used: int = 0  # phones that people brought
    charged_back: dict[str, int] = field(default_factory=dict)  # to the customer of a financed sale, by sale
    receivable: dict[str, int] = field(default_factory=dict)  # not yet taken back by its financier, by sale
    settled: int = 0  # what the financier paid
    exchanged: dict[str, str] = field(default_factory=dict)  # a sale, and the one whose goods paid for it
    turned: set[str] = field(default_factory=set)  # first sales of which money went back otherwise than it came

    def first_of(self, sale_id: str) -> str:
        """The sale at the beginning of a chain of exchanges."""
        while sale_id in self.exchanged:
            sale_id = self.exchanged[sale_id]
        return sale_id

    def standing(self, *, whole: bool = False) -> list[str]:
        """Sales that stand; `whole`: nothing came back of them."""
        return [key for key, ticket in self.tickets.items() if not ticket.undone and not (whole and ticket.refunded)]
