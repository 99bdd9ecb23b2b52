"""No answer is larger than a node reads, and nothing in it that a node cannot apply stops that node for ever."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import func, select

from cloudhub.merge.admission import OUTCOME_BYTES_MAX
from shopnode.domain.accounts.models import AccountBalance
from shopnode.domain.apply import Applier
from shopnode.domain.catalogue.models import Product
from shopnode.sync.digest import compare, last_agreement
from shopnode.sync.models import FeedLine, HubLink
from sync_protocol.canonical import INT_MAX, canonical
from tests.hub.raw import RawNode, change, product, raw_node
from tests.hub.world import World

AT = 1_790_000_000_000
NOTE_CHARS = 200_000


def test_what_stands_is_told_as_far_as_the_answer_has_room_and_the_lines_tell_all(world: World) -> None:
    late, wordy = raw_node(world, "KLA"), raw_node(world, "BAD")
    ids = [late.new_id() for _ in range(4)]
    for row_id in ids:
        late.write(product(row_id))
    assert late.push().status == 200
    wordy.pull()
    for row_id in ids:  # without internet, before the others wrote
        late.write(change("product", row_id, 0, description=(None, "short")))
    world.clock.advance(60_000)
    notes = {row_id: f"{row_id}{'x' * NOTE_CHARS}" for row_id in ids}
    for row_id in ids:
        wordy.write(change("product", row_id, wordy.cursor, description=(None, notes[row_id])))
    assert wordy.push().status == 200

    answer = late.push()
    told = [verdict.get("outcome") for verdict in answer.body["ack"]["verdicts"]]
    assert set(answer.verdicts.values()) == {"merged"}
    assert told[0] is not None and told[-1] is None
    assert len(canonical(told)) < OUTCOME_BYTES_MAX + 100
    again = late.push(5, 8)
    assert [verdict.get("outcome") for verdict in again.body["ack"]["verdicts"]] == told

    lines = late.pull(size=8_000_000).lines
    stands = {row[0]: row[1] for line in lines for block in line.get("rows", []) if block[1] == "u" for row in block[3]}
    assert stands == notes


def _charges(raw: RawNode, customer_id: str, amount: int) -> None:
    columns = ["id", "customer_id", "shop_id", "account", "kind", "amount", "at"]
    rows = [[raw.new_id(), customer_id, raw.shop, "credit", "charge", amount, AT] for _ in range(1_024)]
    raw.write(["account_entry", "i", columns, rows], schema=3)
    assert raw.push().status == 200


def test_a_page_whose_sum_overflows_is_applied_line_by_line(world: World) -> None:
    node, absurd = world.enrol("KLA"), raw_node(world, "BAD")
    customer_id = absurd.new_id()
    absurd.write(["customer", "i", ["id", "name", "created_at"], [[customer_id, "Asha", AT]]])
    _charges(absurd, customer_id, INT_MAX)
    node.sync()
    _charges(absurd, customer_id, -INT_MAX)
    _charges(absurd, customer_id, -INT_MAX)
    node.sync()
    assert [row.balance for row in node.rows(AccountBalance)] == [-1_024 * INT_MAX]


def test_a_line_that_a_node_cannot_apply_is_passed_over_and_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Danger 32."""
    node, other = world.enrol("KLA"), raw_node(world, "BAD")
    node.sync()
    poison, sound = other.new_id(), other.new_id()
    other.write(product(poison, name="Poison"))
    other.write(product(sound, name="Sound"))
    assert other.push().status == 200
    real = Applier.write_fresh

    def write_fresh(self, model, columns, fresh, is_fed):  # type: ignore[no-untyped-def]
        if any(row[0] == poison for _, row in fresh):
            raise OverflowError("a fault of this version")
        real(self, model, columns, fresh, is_fed)

    with monkeypatch.context() as faulty, caplog.at_level(logging.ERROR, "shopnode.sync"):
        faulty.setattr(Applier, "write_fresh", write_fresh)
        done = node.sync()
        assert not done[-1].more
        names = {row.name for row in node.rows(Product)}
        assert "Sound" in names and "Poison" not in names
        assert "passed over" in caplog.text
        assert node.rows(HubLink)[0].checked_at.year == 1970  # the comparison is due
        assert not compare(node.exchanger.line).is_whole
        with node.home.reading() as session:
            report = last_agreement(session)
            lines = session.scalar(select(func.count()).select_from(FeedLine).where(FeedLine.origin_id == other.origin))
        assert report is not None and "Please report this" in report.words()
        assert lines == 2  # kept as the hub signed it

    compare(node.exchanger.line)  # a version without the fault
    assert {"Sound", "Poison"} <= {row.name for row in node.rows(Product)}
