"""Snapshots: a shop's books on a blank PC, all at once or not at all, and over books that exist already."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from sqlalchemy import func, select, update

from cloudhub.merge.models import FeedStream, TenantFeed
from cloudhub.merge.snapshot_models import Snapshot, SnapshotChunk
from shopnode.domain import failpoints
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.db import synced_models
from shopnode.domain.failpoints import Injected
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import BooksArriving, FieldState, Installation
from shopnode.domain.sales.models import Sale, SaleDecision
from shopnode.domain.stock.models import StockLevel
from shopnode.sync import bootstrap
from shopnode.sync.line import Refused
from shopnode.sync.models import HubLink, SnapshotFetch, SnapshotPart, StreamMark
from shopnode.sync.transport import Answer, LinkDown
from sync_protocol import snapshots
from sync_protocol.problems import PROBLEMS
from tests.domain.till import open_till
from tests.sync.blank_pc import blank_pc, contents


@pytest.fixture(autouse=True)
def every_feed_is_long(monkeypatch):
    """A snapshot is taken whatever the length of the feed, in several small chunks."""
    monkeypatch.setattr(bootstrap, "SHORT_FEED_LINES", 0)
    monkeypatch.setattr("cloudhub.merge.snapshots.CHUNK_BYTES", 400)


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.arm("")


@pytest.fixture
def blank(company):
    """Makes a second PC in a branch's shop; nothing has been exchanged yet."""
    with ExitStack() as opened:
        yield lambda branch, name="NEW": opened.enter_context(blank_pc(company, branch.shop.home.shop_id, name))


def traded(company, code="KLA"):
    """A branch with sales, one of them reversed, in step with the hub."""
    branch = company.open_branch(code)
    till = open_till(branch.shop)
    sold = till.sell({"product_id": till.glass, "quantity": 2}, {"device_id": till.units[0]})
    till.sell()
    branch.shop.do("sales.approve", sale_id=sold.result["sale_id"])
    branch.shop.do("customers.create", name="Nakato Grace", phone="+256772000001")
    branch.sync()
    return branch, till


def test_a_blank_pc_has_from_a_snapshot_what_it_would_have_from_the_feed(company, blank):
    branch, _ = traded(company)
    new = blank(branch)
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)
    with new.home.reading() as session:
        assert session.scalar(select(func.count()).select_from(SnapshotPart)) == 0
        assert session.scalar(select(func.count()).select_from(SnapshotFetch)) == 0
    targets = [target for target in new.line.targets if "/snapshot/" in target]
    assert len(targets) > 5
    assert len(set(targets)) == len(targets)


def test_cursor_and_witnesses_are_those_of_the_snapshot_and_the_feed_goes_on_from_there(company, blank):
    branch, till = traded(company)
    new = blank(branch)
    new.worker.run_once()
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_500})
    till.sell({"product_id": till.charger})
    branch.sync()
    new.sync()
    assert contents(new.home) == contents(branch.shop.home)
    with new.home.reading() as session, company.hub.database.session(company.tenant_id) as books:
        ours = {mark.stream: (mark.no, mark.hash) for mark in session.scalars(select(StreamMark))}
        theirs = {head.stream: (head.no, head.hash) for head in books.scalars(select(FeedStream))}
    assert ours == theirs


def test_every_register_row_counts_as_seen(company, blank):
    branch, till = traded(company)
    new = blank(branch)
    new.worker.run_once()
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 34_000})
    perform(new.context(), "products.update", {"product_id": till.glass, "price_minor": 4_800})
    new.sync()
    (entry,) = new.rows(JournalEntry)
    with company.hub.home(company.tenant_id).reading() as session:
        assert session.scalars(select(Product.price_minor).where(Product.id == till.glass)).one() == 4_800
    with new.home.reading() as session:
        seen = select(FieldState.seen_no).where(FieldState.row_id == till.charger, FieldState.field == "")
        assert session.scalars(seen).one() > 0
    assert '"seen":0' not in entry.body


def test_no_other_shops_row_leaves(company, blank):
    jja, till = traded(company, "JJA")
    kla = company.open_branch("KLA")
    new = blank(kla)
    new.worker.run_once()
    assert new.rows(Sale) == new.rows(StockLevel) == []
    assert till.glass in {product.id for product in new.rows(Product)}
    private = {jja.shop.home.shop_id}
    for name, model in synced_models().items():
        if model.__sync__.stream.value == "s":
            assert not private & {row.shop_id for row in new.rows(model)}, name


def test_a_chunk_is_given_to_nobody_else(company, blank):
    branch, _ = traded(company)
    new = blank(branch)
    failpoints.arm("snapshot.begun=raise")
    with pytest.raises(Injected):
        new.worker.run_once()
    failpoints.arm("")
    with company.hub.database.session(company.tenant_id) as session:
        (made,) = session.scalars(select(Snapshot.id).where(Snapshot.node_id == new.home.node_id))
    line = branch.worker._signed_line()
    with branch.shop.home.reading() as session:
        link = bootstrap.read_link(session)
    with pytest.raises(Refused) as refusal:
        line.call(link, "GET", f"{bootstrap.SNAPSHOT}/{made}/0")
    assert refusal.value.problem is PROBLEMS["snapshot_gone"]


@pytest.mark.parametrize("place", ["snapshot.begun", "snapshot.part_stored", "snapshot.part_stored=raise@4"])
def test_what_was_fetched_is_not_fetched_again_after_a_kill(company, place, blank):
    branch, _ = traded(company)
    new = blank(branch)
    failpoints.arm(place if "=" in place else f"{place}=raise")
    with pytest.raises(Injected):
        new.worker.run_once()
    failpoints.arm("")
    new.restart()
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)
    asked = [target for target in new.line.targets if "/snapshot/" in target]
    assert len(set(asked)) == len(asked)
    assert new.line.targets.count("/sync/v1/snapshot") == 1


@pytest.mark.parametrize("place", ["snapshot.part_applied=raise@3", "snapshot.before_commit=raise"])
def test_a_kill_while_it_is_applied_leaves_nothing_of_it(company, place, blank):
    branch, _ = traded(company)
    new = blank(branch)
    before = contents(new.home)
    failpoints.arm(place)
    with pytest.raises(Injected):
        new.worker.run_once()
    failpoints.arm("")
    assert contents(new.home) == before
    with new.home.reading() as session:
        assert session.scalars(select(Installation.seen)).one() == 0
    new.restart()
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)


def test_a_line_that_is_cut_at_every_second_chunk_gets_there(company, blank):
    branch, _ = traded(company)
    new = blank(branch)
    count = iter(range(1_000))

    def flaky(target, through):
        if "/snapshot/" in target and next(count) % 2:
            raise LinkDown("cut")
        return through()

    new.line.fault = flaky
    for _ in range(100):
        try:
            new.worker.run_once()
        except LinkDown:
            continue
        break
    assert contents(new.home) == contents(branch.shop.home)


def test_a_chunk_that_is_not_the_promised_one_is_not_kept(company, blank):
    branch, _ = traded(company)
    new = blank(branch)

    def spoilt(target, through):
        answer = through()
        if target.endswith("/1"):
            return Answer(answer.status, answer.headers, answer.body[:-1] + b"x")
        return answer

    new.line.fault = spoilt
    with pytest.raises(LinkDown):
        new.worker.run_once()
    new.line.heal()
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)


def test_a_snapshot_that_is_no_longer_kept_is_begun_anew(company, blank):
    branch, till = traded(company)
    new = blank(branch)
    failpoints.arm("snapshot.part_stored=raise@3")
    with pytest.raises(Injected):
        new.worker.run_once()
    failpoints.arm("")
    with company.hub.database.session(company.tenant_id) as session:
        session.execute(SnapshotChunk.__table__.delete())
        session.execute(Snapshot.__table__.delete())
    till.sell()
    branch.sync()
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)
    assert new.line.targets.count("/sync/v1/snapshot") == 2


def test_what_is_too_old_is_cleared_away_by_whoever_asks_next(company, blank, monkeypatch):
    branch, _ = traded(company)
    monkeypatch.setattr("cloudhub.merge.snapshots.KEPT_MS", 0)
    one = blank(branch, "ONE")
    with pytest.raises(LinkDown):
        one.worker.run_once()  # it is gone before a chunk could be fetched
    monkeypatch.undo()
    blank(branch, "TWO").worker.run_once()
    with company.hub.database.session(company.tenant_id) as session:
        (kept,) = session.scalars(select(Snapshot.id).where(Snapshot.made_at < Snapshot.expires_at)).all()
        assert set(session.scalars(select(SnapshotChunk.snapshot_id))) == {kept}


def test_a_lost_answer_gives_the_same_snapshot_again(company, blank):
    branch, _ = traded(company)
    new = blank(branch)
    new.line.lose_replies()
    for _ in range(3):
        with pytest.raises(LinkDown):
            new.worker.run_once()
    new.line.heal()
    new.worker.run_once()
    with company.hub.database.session(company.tenant_id) as session:
        made = select(func.count()).where(Snapshot.node_id == new.home.node_id)
        assert session.scalar(made) == 1
    assert contents(new.home) == contents(branch.shop.home)


def test_nothing_is_sold_on_half_a_catalogue(company, blank):
    branch, till = traded(company)
    new = blank(branch)
    failpoints.arm("snapshot.part_stored=raise@3")
    with pytest.raises(Injected):
        new.worker.run_once()
    failpoints.arm("")
    ctx = new.context()
    with pytest.raises(BooksArriving) as refusal:
        perform(ctx, "products.update", {"product_id": till.glass, "price_minor": 1})
    assert "Selling begins when they are complete" in str(refusal.value)
    assert "of " in str(refusal.value)
    status = new.worker.status()
    assert "books are being fetched (2 of " in status.message
    assert status.state != "ok"
    new.worker.run_once()
    perform(ctx, "products.update", {"product_id": till.glass, "price_minor": 4_900})
    assert "fetched" not in new.worker.status().message


def test_a_short_feed_is_read_as_it_is_and_nothing_runs_before_its_end(company, monkeypatch, blank):
    monkeypatch.setattr(bootstrap, "SHORT_FEED_LINES", snapshots.SHORT_FEED_LINES)
    branch, till = traded(company)
    new = blank(branch)
    monkeypatch.setattr("cloudhub.merge.pages.LINES_MAX", 3)
    done = new.worker._exchange()
    assert done.more
    with pytest.raises(BooksArriving):
        perform(new.context(), "products.update", {"product_id": till.glass, "price_minor": 1})
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)
    assert not [target for target in new.line.targets if "/snapshot/" in target]
    perform(new.context(), "products.update", {"product_id": till.glass, "price_minor": 4_900})


def fallen_behind(branch):
    """The hub keeps too little of the feed for this node."""

    def refused(line):
        bootstrap.start_over(line, Refused(PROBLEMS["log_floor"], {}))

    refused(branch.worker._signed_line())


def test_over_existing_books_pending_edits_stay_and_the_hubs_value_waits(company):
    branch, till = traded(company)
    branch.shop.do("products.update", product_id=till.glass, price_minor=4_700)
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_500})
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 33_000})
    fallen_behind(branch)
    assert branch.shop.row(Product, till.glass).price_minor == 4_700
    assert branch.shop.row(Product, till.charger).price_minor == 33_000
    with branch.shop.home.reading() as session:
        state = session.scalars(
            select(FieldState).where(FieldState.row_id == till.glass, FieldState.pending_n.is_not(None))
        ).one()
        assert state.shadow == '{"value":6500}'
    branch.sync()
    with company.hub.home(company.tenant_id).reading() as session:
        standing = session.scalars(select(Product.price_minor).where(Product.id == till.glass)).one()
    assert branch.shop.row(Product, till.glass).price_minor == standing


def test_a_node_below_the_logs_floor_takes_one_by_itself_and_sends_what_it_has(company):
    branch, till = traded(company)
    sold = till.sell()
    perform(company.portal(), "products.update", {"product_id": till.charger, "price_minor": 33_000})
    with company.hub.database.session(company.tenant_id, bulk=True) as session:
        session.execute(update(TenantFeed).values(floor=TenantFeed.seq))
    branch.worker.run_once()
    branch.worker.run_once()
    assert branch.shop.row(Product, till.charger).price_minor == 33_000
    with company.hub.home(company.tenant_id).reading() as session:
        assert session.get(Sale, (company.tenant_id, sold.result["sale_id"]))
    with blank_pc(company, branch.shop.home.shop_id) as new:
        new.worker.run_once()
        assert contents(new.home) == contents(branch.shop.home)


def test_what_an_earlier_origin_was_fetching_is_forgotten(company, blank):
    branch, _ = traded(company)
    new = blank(branch)
    failpoints.arm("snapshot.part_stored=raise@3")
    with pytest.raises(Injected):
        new.worker.run_once()
    failpoints.arm("")
    with new.home.writing() as session:
        session.execute(update(SnapshotFetch).values(origin_id=branch.shop.home.origin_id))
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)
    assert new.line.targets.count("/sync/v1/snapshot") == 2


def test_an_entry_whose_acknowledgement_was_lost_is_not_doubled(company, blank):
    branch, till = traded(company)
    till.sell()
    branch.shop.do("products.update", product_id=till.glass, price_minor=4_700)
    branch.line.lose_replies()
    with pytest.raises(LinkDown):
        branch.worker.run_once()
    branch.line.heal()
    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_500})
    held = till.sell({"product_id": till.charger})
    fallen_behind(branch)
    assert branch.shop.row(Product, till.glass).price_minor == 6_500
    branch.sync()
    assert branch.shop.row(Sale, held.result["sale_id"])
    assert branch.worker.status().waiting == 0
    new = blank(branch)
    new.worker.run_once()
    assert contents(new.home) == contents(branch.shop.home)


def test_decisions_get_their_place_in_the_feed(company):
    branch, _ = traded(company)
    (decision,) = branch.shop.rows(SaleDecision)
    with branch.shop.home.writing() as session:
        session.execute(
            update(SaleDecision).values(feed_no=None).execution_options(captured=True, synchronize_session=False)
        )
        session.connection().exec_driver_sql("DELETE FROM touched")
    fallen_behind(branch)
    assert branch.shop.row(SaleDecision, decision.id).feed_no == decision.feed_no is not None


def test_the_link_names_the_schema_it_was_filled_for(company):
    branch, _ = traded(company)
    with branch.shop.home.reading() as session:
        assert session.scalars(select(HubLink.schema)).one() == bootstrap.SCHEMA_VERSION
