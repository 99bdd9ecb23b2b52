"""How many snapshots the hub keeps of a computer, however often it asks."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cloudhub.merge.snapshot_models import Snapshot, SnapshotChunk
from shopnode.sync.line import Refused, SignedLine, read_link
from sync_protocol import snapshots
from sync_protocol.messages import decode, encode
from sync_protocol.versions import SCHEMA_VERSION
from tests.domain.till import open_till
from tests.sync.blank_pc import blank_pc


def _ask(new, cursor):
    home = new.home
    with home.reading() as session:
        link = read_link(session)
    asked = snapshots.SnapshotRequest(
        protocol=2, schema_=SCHEMA_VERSION, node=home.node_id, origin=home.origin_id, run=new.worker._run, cursor=cursor
    )
    line = SignedLine(home, new.line, run=asked.run)
    return decode(snapshots.Manifest, line.call(link, "POST", "/sync/v1/snapshot", encode(asked)))


def test_a_computer_has_two_snapshots_at_the_hub_at_the_most_and_none_of_what_never_was(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    with blank_pc(company, branch.shop.home.shop_id, "NEW") as new:
        _asks_again_and_again(company, branch, till, new)


def _asks_again_and_again(company, branch, till, new):
    made, after = [], 0
    for _ in range(4):
        till.sell()
        branch.sync()
        given = _ask(new, after)
        made, after = [*made, given.id], given.no + 1
    with company.hub.database.session(company.tenant_id) as session:
        mine = select(Snapshot.id).where(Snapshot.node_id == new.home.node_id)
        assert set(session.scalars(mine)) == set(made[-2:])
        assert not session.scalar(select(func.count()).where(SnapshotChunk.snapshot_id.in_(made[:2])))
    with pytest.raises(Refused, match="restored"):
        _ask(new, 2**53 - 1)
