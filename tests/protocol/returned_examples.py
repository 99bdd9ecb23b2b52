"""Golden examples of what comes back to a hub that was restored."""

from __future__ import annotations

from sync_protocol import chain
from sync_protocol.keys import sign
from sync_protocol.lines import line_hash
from sync_protocol.messages import ReturnedPage
from sync_protocol.returned import entry_of_line
from sync_protocol.shape import Entry, Line
from tests.protocol.samples import EPOCH, HUB_KEY, NODE, ORIGIN, customer_entry, id_of, line_of, sale_entry

LOST_EPOCH = EPOCH
BEFORE = line_hash(line_of(sale_entry(8)[0], 40, 37, stream="t"))


def lost_line() -> Line:
    """An entry of another origin, with a personal value, that only its readers still have."""
    return line_of(customer_entry(5)[0], 43, 40, stream="t")


def page_of(*lines: Line, node: str = NODE) -> ReturnedPage:
    """A page that holds a line of the reader's own, which is sent again by itself, and these."""
    own = line_hash(line_of(sale_entry(1)[0], 42, 0, origin=ORIGIN))
    hashes, prev = [own], BEFORE
    given = []
    for place, line in enumerate(lines, 1):
        given.append((place, prev, line))
        prev = line_hash(line, prev)
        hashes.append(prev)
    to_no = max([42, *(line["no"] for line in lines)])
    signature = sign(HUB_KEY, chain.page_message(LOST_EPOCH, node, 41, to_no, hashes))
    return ReturnedPage(epoch=LOST_EPOCH, from_no=41, to_no=to_no, hashes=hashes, sig=signature, lines=given)


def readmitted_entry() -> Entry:
    """What the hub makes of it."""
    return {**entry_of_line(lost_line(), id_of("came back"), ["product", "customer"], None, 42), "n": 1}
