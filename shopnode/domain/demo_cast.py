"""Invented people, numbers and tickets for the demo: drawn from a seed, so the same seed tells the same story.

Nobody is meant: names are mixes, telephone numbers are of a network that closed (0798), IMEIs begin with 00, the range
reserved for tests. The passwords are as public as this file; the demo refuses a shop that has sold anything.
"""

from __future__ import annotations

import random  # house: clock — seeded by the caller, the same story each time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from stdnum import luhn

from shopnode.domain.permissions import Role

T = TypeVar("T")

BUSINESS = "Kisakye Phones"
SHOP_NAMES = ("Kisakye Phones Kampala Road", "Kisakye Phones Wandegeya", "Kisakye Phones Ntinda")

FIRST = (
    "Brian", "Ivan", "Joel", "Moses", "Ronald", "Isaac", "Denis", "Sarah", "Grace", "Juliet", "Patience", "Doreen",
    "Brenda", "Aisha", "Hadija", "Fatuma", "Abdul", "Hakim", "Sulaiman", "Umar",
)  # fmt: skip
FAMILY = (
    "Mukasa", "Ssemakula", "Kato", "Lubega", "Ssebunya", "Kiggundu", "Nansubuga", "Namukasa", "Nabukenya", "Namutebi",
    "Tumusiime", "Mugisha", "Byaruhanga", "Ahimbisibwe", "Atuhaire", "Kyomugisha", "Ainembabazi", "Kemigisha",
    "Wanyama", "Waiswa", "Nabirye", "Nekesa", "Nambozo", "Okello", "Opio", "Otim", "Okot", "Akello", "Apio", "Adong",
    "Auma", "Drani", "Adriko", "Candia", "Asianzu",
)  # fmt: skip
PLACES = ("Nakasero", "Wandegeya", "Ntinda", "Kabalagala", "Bwaise", "Nansana", "Kireka", "Mukono", "Entebbe")
COLOURS = ("Black", "Blue", "Silver", "Gold", "Green", "White")

# Quick-add tiles of the counter: what is sold without looking it up.
TILES = frozenset({
    "Tempered glass plain", "Privacy glass", "Silicone case", "USB-C cable", "Lightning cable", "Micro-USB cable",
    "Charger 10 W", "Oraimo 18 W charger", "Wired earphones", "Memory card 32 GB", "Flash disk 32 GB", "Phone holder",
})  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A person of the demo's staff, with the secrets that are shown to whoever tries it."""

    name: str
    role: Role
    phone: str
    password: str
    pin: str


STAFF = (
    Member("Grace Nabukenya", Role.SUPERVISOR, "0798100201", "grace-demo-2026", "4827"),
    Member("Ivan Okello", Role.STAFF, "0798100202", "ivan-demo-2026", "7394"),
    Member("Aisha Nekesa", Role.STAFF, "0798100203", "aisha-demo-2026", "2816"),
)
OWNER_PIN = "9053"


class Chance:
    """Everything the demo leaves to chance."""

    def __init__(self, seed: str):
        self._random = random.Random(seed)  # noqa: S311 — a story, not a secret

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def once_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def one_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def moments(self, count: int, from_ms: int, to_ms: int) -> list[int]:
        """Distinct instants in order."""
        return sorted(self._random.sample(range(from_ms, max(to_ms, from_ms + count + 1)), count))

    def imei(self) -> str:
        """A number no phone has: reporting body 00."""
        digits = f"0044{self.number(0, 10**10 - 1):010d}"
        return digits + luhn.calc_check_digit(digits)

    def customer(self) -> dict[str, str]:
        name = f"{self.one_of(FIRST)} {self.one_of(FAMILY)}"
        return {"name": name, "phone": f"0798{self.number(200_000, 999_999)}", "address": self.one_of(PLACES)}

    def reference(self, method: str) -> str:
        """A transaction id in the form its network writes."""
        if method == "airtel_money":
            return f"MP{self.number(10**5, 10**6 - 1)}{self.number(1000, 9999)}L{self.number(10_000, 99_999)}"
        return str(self.number(2 * 10**10, 3 * 10**10))
