"""Which record is kept, for every duplicate. The same fold at every home, so all of them read alike."""

from __future__ import annotations

from collections.abc import Iterable


def fold_aliases(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Duplicate → the record that is kept in the end.

    pairs    (duplicate, into), in the order of the feed

    A pair that would close a circle changes nothing: when two owners merge the same two records in opposite
    directions, the first of them to reach the hub decides which is kept.
    """
    into: dict[str, str] = {}

    def kept(record: str) -> str:
        while record in into:
            record = into[record]
        return record

    for duplicate, target in pairs:
        if duplicate not in into and kept(target) != duplicate:
            into[duplicate] = target
    return {duplicate: kept(duplicate) for duplicate in into}
