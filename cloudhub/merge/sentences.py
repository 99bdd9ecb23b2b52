"""What an owner should know of, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhub.merge.naming import Named
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.people.models import Shop, Staff

SOMEWHERE, SOMEBODY, SOMETHING = "a shop", "somebody", "goods"

SENTENCES = {
    "sku_twice": "Two products carry the SKU {key}.",
    "barcode_twice": "Two products carry the barcode {key}.",
    "imei_twice": "Two devices carry the IMEI {key}.",
    "serial_twice": "Two devices carry the serial number {key}.",
    "phone_twice": "Two customers have the telephone number {key}.",
    "reference_twice": "One payment message, {key}, was entered for two sales.",
    "number_twice": "Two sales carry the receipt number {key}.",
    "acted_twice": "The same thing was done twice with different choices, once at {shop}. The first stands.",
    "not_holder": "{shop} changed a device that is in another shop. The change was not taken.",
    "let_go": "{shop} acted on the phone {phone} and did not know that it had been {gone} already. "
    "What it did last stands; find out where the phone is.",
    "two_stays": "The phone {phone} is in stock in two places: {places}. Write it off where it is not.",
    "sold_twice": "The phone {key} was sold twice, on receipts {receipts}. Both stand; undo the wrong one.",
    "sent_twice": "{shop} sent the phone {phone} twice, under two numbers. The first transfer stands.",
    "received_and_taken_back": "The phone {phone} was received at {receiver} and taken back at {sender}. Only one of "
    "them can have it.",
    "repair_in_two_places": "{ticket} was sent to another bench, and both {sender} and {receiver} say that they "
    "have the device. Only one of them can.",
    "ended_twice": "{shop} ended {ticket} twice, because it did not know of the first time. Money and goods of both "
    "stand in the books; find out which of them were real.",
    "more_than_sent": "Of {product} on transfer {key} more pieces arrived or were taken back than were sent. Count "
    "them in both shops.",
    "merged_crosswise": "{record} was merged into another record that had been merged into it already. {record} is "
    "kept.",
    "merged_twice": "A duplicate was merged into two different records. The first merge stands.",
    "other_shop": "A computer of {shop} tried to change who may work in another shop. That was not taken.",
    "not_owner": "At {shop}, somebody who is no owner tried to change the rights of {person}. That was not taken.",
    "made_owner": "{person} was made an owner at {shop}. If it was none of you, suspend them, and take nothing from "
    "that computer any more.",
    "amended_locked": "{shop} corrected sale {key} when it had been locked already, before it could know. "
    "The correction stands.",
    "amended_undone": "{shop} corrected sale {key} when it had been undone already, before it could know. "
    "Look at what was paid.",
    "day_decided_twice": "The day {key} of {shop} was approved by one and rejected by another, who did not know of "
    "each other. The day's page says how it stands; agree on it.",
    "sold_suspended": "{person} made sale {key} at {shop} after having been suspended.",
    "oversold": "{shop} sold more of {product} than it had: {key} on hand. Count the goods.",
    "overspent_credit": "{record} spent store credit in shops that had not heard of each other: {key} more than there "
    "was. Both sales stand; agree with them how it is paid.",
    "overspent_points": "{record} used points in shops that had not heard of each other: {key} more than there were. "
    "Both sales stand.",
    "password_set": "The password of {person} was changed at {shop}; it holds in every shop and in the portal now.",
    "owner_password_kept": "The password of {person}, an owner, was changed at {shop}. It holds in the shops. For the "
    "portal an owner's password is changed in the portal alone.",
    "password_kept": "The password of {person} was changed at {shop} by somebody else who is no owner. It holds there "
    "alone.",
    "clone_suspected": "Two computers of {shop} use one identity ({key}). Both keep selling and neither is heard until "
    "you choose which one lives.",
    "node_restored": "The computer {key} of {shop} was put back to an earlier state. It goes on under new receipt "
    "numbers, and what had reached us before is given back to it.",
    "held": "Something recorded at {shop} waits for a record that has not arrived yet.",
    "quarantined": "Something recorded at {shop} could not be taken in. It is kept whole and tried again after "
    "the next update.",
}
GONE = {
    "sold": "sold", "sent": "sent to another shop", "scrapped": "written off", "in_stock": "put on sale",
    "reserved": "kept for somebody", "inspect": "put aside to be looked at", "bench": "put on the bench",
    "supplier": "sent back to its supplier", "lent": "lent", "missing": "reported missing", "expected": "announced",
}  # fmt: skip
UNKNOWN = "Something at {shop} needs a look."


class Listed(Protocol):
    """What there is to say something about."""

    @property
    def kind(self) -> str: ...

    @property
    def row_id(self) -> str: ...

    @property
    def other_id(self) -> str | None: ...

    @property
    def shop_id(self) -> str | None: ...

    @property
    def key(self) -> str | None: ...


class Speaker:
    """Words for what is listed, with the names people know."""

    def __init__(self, session: Session, listed: Iterable[Listed]):
        rows = list(listed)
        ids = {row_id for row in rows for row_id in (row.row_id, row.other_id) if row_id}
        self._shops = _names(session, Shop, {row.shop_id for row in rows if row.shop_id})
        self._people = _names(session, Staff, ids)
        self._products = _names(session, Product, ids)
        self._records = {**self._products, **_names(session, Customer, ids)}
        self._named = Named(session, ids)

    def sentence(self, listed: Listed) -> str:
        """One sentence for a person."""
        names = (listed.row_id, listed.other_id or "")
        sender, receiver = self._named.way(listed.row_id)
        said = SENTENCES.get(listed.kind, UNKNOWN).format(
            key=listed.key or ("of somebody who was erased" if listed.kind == "phone_twice" else ""),
            shop=self._shops.get(listed.shop_id or "", SOMEWHERE),
            person=_first(self._people, names, SOMEBODY),
            product=_first(self._products, names, SOMETHING),
            record=_first(self._records, names, "a record"),
            phone=self._named.phone(names),
            places=self._named.places(names),
            receipts=self._named.receipts(names),
            ticket=self._named.ticket(names),
            sender=sender,
            receiver=receiver,
            gone=GONE.get(listed.key or "", "let go"),
        )
        return said[:1].upper() + said[1:]


def _names(session: Session, model: Any, ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(model.id, model.name).where(model.id.in_(ids)))}


def _first(names: dict[str, str], ids: Iterable[str], otherwise: str) -> str:
    return next((names[row_id] for row_id in ids if row_id in names), otherwise)
