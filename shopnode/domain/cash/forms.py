"""The forms of the drawer: opening it, counting it, closing it, handing it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from shopnode.domain.cash.rules import FLOATS, notes_worth
from shopnode.domain.errors import Invalid
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.params import Amount, IdText, Line, Note, Optionally, Params, PositiveAmount, Reason

VALUES_MAX = 30  # different notes and coins
PIECES_MAX = 1_000_000
FOREIGN_MAX = 10**9  # ten million dollars: at the highest rate still far below 2^53

TillName = Annotated[Annotated[Line, Field(max_length=20)] | None, Optionally]


class Pieces(Params):
    """So many notes or coins of one value."""

    value: PositiveAmount
    pieces: Annotated[int, Field(ge=0, le=PIECES_MAX)]


class ForeignNotes(Params):
    """Notes of another currency, in its own minor units."""

    currency: Annotated[Line, Field(pattern=r"^[A-Z]{3}$")]
    amount: Annotated[int, Field(ge=0, le=FOREIGN_MAX)]


class Wallet(Params):
    """What a wallet's messages, the card slips or the bank's list say was taken; of a float what its phone shows."""

    tender: Literal["mtn_momo", "airtel_money", "card", "bank", "airtime_float", "agent_float"]
    amount: Amount


class Counting(Params):
    """What was counted, before anybody was told what is expected: by denomination, or as one sum."""

    counted: Amount | None = Field(default=None, description="All cash in the shop's own notes, float included.")
    denominations: Annotated[list[Pieces] | None, Field(max_length=VALUES_MAX)] = None
    foreign: Annotated[list[ForeignNotes], Field(max_length=VALUES_MAX)] = Field(default_factory=list)
    wallets: Annotated[list[Wallet], Field(max_length=VALUES_MAX)] = Field(default_factory=list)

    @property
    def is_counted(self) -> bool:
        return self.counted is not None or self.denominations is not None

    def cash_minor(self, field_name: str = "counted") -> int:
        """The cash of it. Raises Invalid where the notes are not the sum that was told, or nothing was counted."""
        return agreed_sum(self.counted, self.denominations, field_name)


class OpenDrawer(Params):
    """The float that was counted into the drawer."""

    opening_float: Amount
    denominations: Annotated[list[Pieces] | None, Field(max_length=VALUES_MAX)] = None
    foreign: Annotated[list[ForeignNotes], Field(max_length=VALUES_MAX)] = Field(default_factory=list)
    wallets: Annotated[list[Wallet], Field(max_length=VALUES_MAX)] = Field(
        default_factory=list, description="Floats alone: what the phone of airtime or of the agent shows."
    )
    till: TillName = Field(default=None, description="Which till, where a shop has several.")


class CountDrawer(Counting):
    """A count that closes nothing yet. It is kept; it may be repeated once."""

    drawer_session_id: IdText | None = None


class CloseDrawer(Counting):
    """The count that closes. Without one, the last one kept holds, if no money has moved since."""

    notes: Note | None = None
    drawer_session_id: IdText | None = None  # the session that was counted; one's own when left out


class HandOver(CloseDrawer):
    """The count with which the drawer goes from one cashier to another."""

    to_id: IdText | None = Field(default=None, description="Who takes it; whoever asks when left out.")


class TakeOver(Params):
    """A session that somebody left open, and why another answers for it."""

    drawer_session_id: IdText
    reason: Reason


class AcceptDifference(Params):
    """Why a drawer was off, and how much of it a person owes the shop."""

    drawer_session_id: IdText
    explanation: Annotated[Line, Field(min_length=3, max_length=500)]
    charge_to: IdText | None = Field(default=None, description="Who owes the shop what was missing.")
    charge: PositiveAmount | None = Field(default=None, description="How much of it; all when left out.")


def as_pieces(
    cash_minor: int, pieces: Mapping[str, int], foreign: Mapping[str, int], others: Mapping[str, int], till: str | None
) -> OpenDrawer:
    """What was counted at the end of one session, as the beginning of the next. Only floats stay where they are."""
    return OpenDrawer(
        opening_float=cash_minor, till=till,
        denominations=[Pieces(value=int(value), pieces=count) for value, count in pieces.items()] or None,
        foreign=[ForeignNotes(currency=currency, amount=amount) for currency, amount in foreign.items()],
        wallets=[Wallet.model_validate({"tender": name, "amount": others[name]}) for name in FLOATS if name in others],
    )  # fmt: skip


def agreed_sum(told: int | None, pieces: list[Pieces] | None, field_name: str) -> int:
    """The sum of some notes, which must be the one that was told. Raises Invalid."""
    if pieces is None:
        if told is None:
            raise Invalid({field_name: "is needed; write 0 for an empty drawer"})
        return told
    values = [row.value for row in pieces]
    twice = next((n for n, value in enumerate(values) if value in values[:n]), None)
    if twice is not None:
        raise Invalid({f"denominations.{twice}.value": "is on the list already: each note or coin has one line"})
    worth = notes_worth((row.value, row.pieces) for row in pieces)
    if worth > MONEY_MINOR_MAX:
        raise Invalid({field_name: f"comes to more than {MONEY_MINOR_MAX:,}: look at the numbers of pieces again"})
    if told is not None and told != worth:
        raise Invalid({field_name: f"is not what the notes come to, {worth:,}"})
    return worth
