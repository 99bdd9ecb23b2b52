"""Checks a journal that was taken out of a shop or the portal. It needs this one file and Python, nothing of the shop.

    python verify_journal.py journal-KLA1.tsv
    python verify_journal.py journal-KLA1.tsv --code 7QF2-9KTM     which receipt carries this proof?
    python verify_journal.py journal-KLA1.tsv --head 3f1c…          is this the end that somebody else wrote down?

The file is text. Lines with "#" say what it is. Each other line is an entry: its number, its hash and what was
recorded, between tabs. The rule is short:

    hash(n) = SHA-256( hash(n-1) as 32 bytes, then the entry as it stands in the file )
    hash(0) = SHA-256( "phoneshop/v1/origin", a zero byte, the origin's id )

So whoever changes, removes or slips in one entry must write all hashes after it anew, and then the last one is not the
one that the hub, the tablets, the receipts and the daily closings have. Exit code: 0 whole, 1 broken, 2 not a journal.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

FORMAT = "phoneshop journal 1"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKALIKES = str.maketrans("ILO", "110", "- ")


class NoJournal(Exception):
    """The file is something else."""


def short_code(hash_hex: str) -> str:
    """The first 40 bits of a hash, as it is printed on paper."""
    number = int(hash_hex[:10], 16)
    return "".join(LETTERS[number >> shift & 31] for shift in range(35, -1, -5))


def grouped(code: str) -> str:
    return code[:4] + "-" + code[4:]


def read_header(lines: Iterator[str]) -> tuple[dict[str, str], str]:
    """What the file says it is, and its first entry."""
    told: dict[str, str] = {}
    first = ""
    for line in lines:
        if not line.startswith("# "):
            first = line
            break
        name, _, value = line[2:].rstrip("\n").partition(" ")
        if name in told:
            raise NoJournal(f"This is no journal: it says “{name}” twice.")
        told[name] = value
    if told.get("phoneshop") != "journal 1" or not told.get("origin"):
        raise NoJournal(f"This is no journal: its first line must be “# {FORMAT}”.")
    return told, first


def verify(lines: Iterator[str], wanted_code: str | None = None) -> dict[str, Any]:
    """Read a journal line by line. Answers what was found, with the first thing that is wrong, if any."""
    told, line = read_header(lines)
    found: dict[str, Any] = {"told": told, "entries": 0, "wrong": None, "actions": {}, "first": None, "match": None}
    known = hashlib.sha256(b"phoneshop/v1/origin\0" + told["origin"].encode()).hexdigest()
    wanted = wanted_code.upper().translate(LOOKALIKES) if wanted_code else None
    while line:
        n = found["entries"] + 1
        parts = line.rstrip("\n").split("\t")
        if len(parts) != 3 or parts[0] != str(n):
            found["wrong"] = f"Entry {n:,} is not there: the line says “{line[:30].strip()}”."
            break
        hashed = hashlib.sha256(bytes.fromhex(known) + parts[2].encode()).hexdigest()
        if hashed != parts[1]:
            found["wrong"] = f"Entry {n:,} was changed, or does not follow from the one before it."
            break
        entry = read_entry(parts[2])
        if entry is None or entry.get("n") != n:
            said = "cannot be read" if entry is None else f"says that it is number {entry.get('n')}"
            found["wrong"] = f"Entry {n:,} {said}."
            break
        known, found["entries"] = hashed, n
        note(found, entry, hashed, wanted)
        line = next(lines, "")
    found["head"] = known
    if found["wrong"] is None:
        found["wrong"] = wrong_end(told, found["entries"], known)
    return found


def read_entry(text: str) -> dict[str, Any] | None:
    """An entry; None for what no shop writes: it would mean one thing to us and another to somebody else."""
    try:
        entry = json.loads(text, object_pairs_hook=each_once)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("at"), int) else None


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that names nothing twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def note(found: dict[str, Any], entry: dict[str, Any], hashed: str, wanted: str | None) -> None:
    """What is told of an entry in the end."""
    action = str(entry.get("action"))
    found["actions"][action] = found["actions"].get(action, 0) + 1
    found["first"] = found["first"] or entry.get("at")
    found["last"] = entry.get("at")
    if wanted and short_code(hashed) == wanted:
        found["match"] = entry


def wrong_end(told: dict[str, str], entries: int, head: str) -> str | None:
    """Why this is not the whole journal, or None."""
    if not (told.get("entries", "").isdecimal() and told.get("head")):
        return "The file does not say where the journal ends: its end may have been cut off."
    if int(told["entries"]) != entries:
        return f"The journal ends at {entries:,}, but {int(told['entries']):,} entries were recorded."
    if entries and told.get("head", "-") not in ("-", head):
        return "The last entry is not the one that the file says it is."
    return None


def number_of(entry: dict[str, Any]) -> str | None:
    """The number of the receipt or slip that an entry wrote, where it wrote one."""
    for _, op, columns, rows in entry.get("rows", []):
        if op == "i" and "number" in columns and rows:
            return str(rows[0][columns.index("number")])
    return None


def when(ms: int) -> str:
    if not 0 <= ms < 253_402_300_800_000:
        return "a time that no calendar has"
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)  # noqa: UP017 — older Pythons run this, too
    return at.strftime("%Y-%m-%d %H:%M UTC")


def report(found: dict[str, Any], wanted_code: str | None, wanted_head: str | None) -> Iterator[tuple[bool, str]]:
    """What a person reads, line by line, and whether all is well."""
    told = found["told"]
    yield True, f"Journal of {told.get('of') or told['origin']}"
    if found["entries"]:
        span = f"from {when(found['first'])} to {when(found['last'])}"
        yield True, f"{found['entries']:,} entries, {span}, each follows from the one before it."
        yield True, f"The last one has the proof {grouped(short_code(found['head']))} and the hash {found['head']}"
        ranked = sorted(found["actions"].items(), key=lambda pair: (-pair[1], pair[0]))
        yield True, "Most of them: " + ", ".join(f"{action} {count:,}" for action, count in ranked[:8])
    if found["wrong"]:
        yield False, found["wrong"]
    if wanted_head and wanted_head.lower() != found["head"]:
        yield False, "The end is not the one you gave: the journal was written anew, or goes on after it."
    if wanted_code:
        entry = found["match"]
        if entry is None:
            yield False, f"No entry has the proof {wanted_code}."
        else:
            what = " ".join(filter(None, [str(entry.get("action")), number_of(entry)]))
            yield True, f"The proof {wanted_code} is of entry {entry['n']:,}: {what}, {when(entry['at'])}."


def printable(words: str) -> str:
    """Words without signs that move the cursor, turn the line round or hide what follows: a file may hold any."""
    return "".join(sign if sign.isprintable() else "?" for sign in words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a file from the command line; answers the exit code."""
    parser = argparse.ArgumentParser(description="Check a journal that was taken out of a shop or the portal.")
    parser.add_argument("file")
    parser.add_argument("--code", help="a proof from a receipt, such as 7QF2-9KTM: say which entry it is of")
    parser.add_argument("--head", help="the last hash, as somebody else wrote it down")
    given = parser.parse_args(arguments)
    try:
        with open(given.file, encoding="utf-8", newline="\n") as file:
            found = verify(iter(file), given.code)
    except (OSError, NoJournal, ValueError) as error:
        # house: print — this file runs alone, where there is nothing else
        print(printable(str(error)), file=sys.stderr)
        return 2
    lines = list(report(found, given.code, given.head))
    for is_well, words in lines:
        # house: print — this file runs alone, where there is nothing else
        print(printable(words if is_well else f"NOT WHOLE: {words}"))
    return 0 if all(is_well for is_well, _ in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
