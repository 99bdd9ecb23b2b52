"""A shop without internet: its day goes to the hub as a file, and what the hub says comes back as one."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import delete, func, select, update

from cloudhub.carried import FileRefused as NotTaken
from cloudhub.carried import take_file
from cloudhub.merge.models import HubException, Origin
from cloudhub.tenancy.models import Node
from cloudhub.tenancy.nodes import revoke_node
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.node import Installation
from shopnode.domain.sales.models import Payment, Sale
from shopnode.sync.carried import FileRefused
from shopnode.sync.models import FeedLine, HubLink, StreamMark
from sync_protocol.carried import CarriedReader
from sync_protocol.chain import genesis
from tests.domain.till import open_till


def save(branch, bytes_max=10 * 2**20):
    file = io.BytesIO()
    told = branch.worker.save_file(file, bytes_max)
    return file.getvalue(), told


def take(company, content, **options):
    reply = io.BytesIO()
    taken = take_file(company.hub, io.BytesIO(content), reply, **options)
    return reply.getvalue(), taken


def load(branch, content):
    return branch.worker.load_file(io.BytesIO(content))


def round_trip(company, branch):
    reply, taken = take(company, save(branch)[0])
    return load(branch, reply), taken


def count_at_hub(company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def cursor(branch):
    with branch.shop.home.reading() as session:
        return session.scalars(select(Installation.seen)).one()


def accepted(branch):
    with branch.shop.home.reading() as session:
        return session.scalars(select(HubLink.accepted_n)).one()


def marks(branch):
    with branch.shop.home.reading() as session:
        return {mark.stream: (mark.no, mark.hash) for mark in session.scalars(select(StreamMark))}


def feed(branch):
    with branch.shop.home.reading() as session:
        return session.scalar(select(func.count()).select_from(FeedLine))


@pytest.fixture
def branch(company):
    """A shop that was enrolled once and whose line has been dead since."""
    opened = company.open_branch("KLA")
    opened.till = open_till(opened.shop)
    opened.sync()
    opened.line.cut()
    return opened


def test_a_day_reaches_the_hub_on_a_stick_and_the_owners_price_comes_back(company, branch):
    for _ in range(3):
        branch.till.sell()
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "price_minor": 6_500})
    content, saved = save(branch)
    assert (saved.entries, saved.left, saved.bytes) == (3, 0, len(content))
    reply, taken = take(company, content)
    assert (taken.entries, taken.problem) == (3, None)
    told = load(branch, reply)
    assert (told.accepted, told.waiting, told.problem) == (3, 0, None)
    assert told.lines == 4  # three of its own, and the owner's
    assert count_at_hub(company, Sale) == count_at_hub(company, Payment) == 3
    assert branch.shop.row(Product, branch.till.glass).price_minor == 6_500
    branch.line.heal()
    branch.sync()
    assert count_at_hub(company, Sale) == 3


def test_the_same_files_twice_change_nothing(company, branch):
    branch.till.sell()
    content, _ = save(branch)
    reply, _ = take(company, content)
    again, second = take(company, content)
    assert second.entries == 0
    load(branch, reply)
    before = (marks(branch), cursor(branch), accepted(branch), feed(branch))
    for answer in (reply, again):
        told = load(branch, answer)
        assert (told.accepted, told.lines, told.problem) == (0, 0, None)
        assert "known already" in told.words
    assert (marks(branch), cursor(branch), accepted(branch), feed(branch)) == before
    assert count_at_hub(company, Sale) == 1
    assert count_at_hub(company, HubException) == 0


def test_files_a_day_late_and_mixed_with_the_line_take_nothing_back(company, branch):
    branch.till.sell()
    early, _ = save(branch)
    branch.shop.clock.advance(3_600_000)
    branch.till.sell()
    later, _ = save(branch)
    late_reply, _ = take(company, later)
    branch.line.heal()
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "description": "the owner's"})
    branch.sync()
    branch.till.sell()
    branch.sync()
    before = (marks(branch), cursor(branch), accepted(branch), feed(branch))
    branch.shop.clock.advance(86_400_000)
    early_reply, taken = take(company, early)
    assert (taken.entries, taken.problem) == (0, None)
    for answer in (late_reply, early_reply):
        told = load(branch, answer)
        assert (told.accepted, told.lines, told.problem) == (0, 0, None)
    assert (marks(branch), cursor(branch), accepted(branch), feed(branch)) == before
    assert count_at_hub(company, Sale) == 3
    assert branch.shop.row(Product, branch.till.glass).description == "the owner's"


def test_an_answer_that_overlaps_what_is_known_brings_the_rest(company, branch):
    """Two files before the first answer: both answers begin at the same place, the second tells more."""
    branch.till.sell()
    first, _ = save(branch)
    branch.till.sell()
    second, _ = save(branch)
    first_reply, _ = take(company, first)
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "price_minor": 6_500})
    second_reply, _ = take(company, second)
    assert load(branch, first_reply).accepted == 1
    told = load(branch, second_reply)
    assert (told.accepted, told.lines, told.problem) == (1, 2, None)
    assert branch.shop.row(Product, branch.till.glass).price_minor == 6_500
    branch.line.heal()
    branch.sync()


def test_an_answer_too_early_keeps_the_ack_and_asks_for_the_one_before(company, branch):
    before = (cursor(branch), marks(branch))
    branch.till.sell()
    first_reply, _ = take(company, save(branch)[0])
    load(branch, first_reply)
    branch.till.sell()
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "price_minor": 6_500})
    second_reply, _ = take(company, save(branch)[0])
    with branch.shop.home.writing() as session:  # as if the first answer had not been loaded
        session.execute(update(Installation).values(seen=before[0]))
        session.execute(delete(FeedLine).where(FeedLine.no > before[0]))
        for stream, (no, digest) in before[1].items():
            session.execute(update(StreamMark).where(StreamMark.stream == stream).values(no=no, hash=digest))
    told = load(branch, second_reply)
    assert (told.accepted, told.lines) == (1, 0)
    assert "earlier answer" in told.problem
    assert cursor(branch) == before[0]
    assert load(branch, first_reply).problem is None
    assert load(branch, second_reply).problem is None
    assert branch.shop.row(Product, branch.till.glass).price_minor == 6_500


def test_what_does_not_fit_goes_into_a_later_file(company, branch):
    for _ in range(12):
        branch.till.sell()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shopnode.sync.carried.PART_BYTES_MAX", 3_000)
        content, saved = save(branch, bytes_max=2_500)
        assert 0 < saved.entries < 12
        assert saved.entries + saved.left == 12
        assert len(content) < 10_000
        files = 0
        while accepted(branch) < 10**9 and files < 12:
            told, _ = round_trip(company, branch)
            files += 1
            if not told.waiting:
                break
    assert told.waiting == 0
    assert count_at_hub(company, Sale) == 12


def test_a_large_catalogue_comes_back_in_as_many_pages_as_fit(company, branch):
    portal = company.portal()
    for number in range(60):
        form = {"name": f"Cover {number}", "category": "Covers", "price_minor": 5_000, "description": "x" * 900}
        perform(portal, "products.create", form)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloudhub.merge.exchange.BATCH_BYTES_MAX", 20_000)
        patch.setattr("cloudhub.carried.PAGE_BYTES_LEAST", 1_000)
        content, _ = save(branch)
        reply, taken = take(company, content, bytes_max=25_000)
        pages = sum(1 for _ in CarriedReader(io.BytesIO(reply)).answers())
        assert pages > 1
        assert load(branch, reply).lines == taken.lines
        rounds = 0
        while taken.more and rounds < 10:
            _, taken = round_trip(company, branch)
            rounds += 1
    assert not taken.more
    assert sum(row.name.startswith("Cover ") for row in branch.shop.rows(Product)) == 60


def test_another_shops_file_and_another_hubs_answer_are_refused_in_words(company, branch, hub, tmp_path):
    other = company.open_branch("EBB")
    branch.till.sell()
    mine, _ = save(branch)
    reply, _ = take(company, mine)
    with pytest.raises(FileRefused, match="another shop's computer"):
        load(other, reply)
    with pytest.raises(FileRefused, match="saved this file for the hub"):
        load(branch, mine)
    with pytest.raises(NotTaken, match="hub's answer"):
        take(company, reply)
    with pytest.raises(NotTaken, match="another business"):
        take(company, mine, tenant_id=hub.new_id())
    with branch.shop.home.writing() as session:
        session.query(HubLink).update({"audience": "hub.elsewhere.example"})
    with pytest.raises(FileRefused, match="another hub"):
        load(branch, reply)
    with pytest.raises(NotTaken, match="another hub"):
        take(company, save(branch)[0])


def test_an_answer_signed_by_another_key_is_refused(company, branch):
    branch.till.sell()
    reply, _ = take(company, save(branch)[0])
    with branch.shop.home.writing() as session:
        other = "A" * 43
        session.query(HubLink).update({"hub_key": other})
    with pytest.raises(FileRefused, match="no answer of this shop's hub"):
        load(branch, reply)
    assert accepted(branch) < branch.shop.entries()[-1].n


def test_every_cut_and_every_flipped_byte_is_found_before_anything_is_taken(company, branch):
    branch.till.sell()
    content, _ = save(branch)
    before = count_at_hub(company, Sale)
    step = max(1, len(content) // 97)
    for place in range(0, len(content), step):
        with pytest.raises(NotTaken):
            take(company, content[:place])
        flipped = bytearray(content)
        flipped[place] ^= 0x40
        with pytest.raises(NotTaken):
            take(company, bytes(flipped))
        with pytest.raises(NotTaken):
            take(company, content + content[: place + 1])
    assert count_at_hub(company, Sale) == before


def test_the_file_of_a_revoked_computer_is_refused(company, branch):
    branch.till.sell()
    content, _ = save(branch)
    revoke_node(company.hub.database, company.tenant_id, branch.shop.home.node_id, company.hub.clock.wall_ms())
    with pytest.raises(NotTaken, match="withdrawn"):
        take(company, content)
    assert count_at_hub(company, Sale) == 0


def test_a_gap_is_answered_and_the_next_file_begins_earlier(company, branch):
    """The node believes an ack that the hub has lost: the answer says so, and the next file closes the gap."""
    for _ in range(3):
        branch.till.sell()
    with branch.shop.home.writing() as session:
        session.query(HubLink).update({"accepted_n": HubLink.accepted_n + 2})
    reply, taken = take(company, save(branch)[0])
    assert (taken.entries, taken.problem is None) == (0, False)
    told = load(branch, reply)
    assert "Save a new file" in told.problem
    told, _ = round_trip(company, branch)
    assert (told.accepted, told.waiting, told.problem) == (3, 0, None)


def test_late_files_of_earlier_starts_raise_no_alarm_about_clones(company, branch):
    branch.till.sell()
    first, _ = save(branch)
    for turn in range(3):
        branch.shop.clock.advance(60_000)
        branch.worker._run = branch.shop.home.new_id()  # the computer was started again
        branch.line.heal()
        branch.sync()
        branch.till.sell()
        content, _ = save(branch)
        _, taken = take(company, first if turn % 2 else content)
        assert taken.problem is None
    branch.sync()
    with company.hub.database.session(company.tenant_id) as session:
        assert session.scalars(select(Node.clone_suspected_at)).all() == [None]


def test_two_computers_with_one_identity_are_found_by_their_files_too(company, branch, monkeypatch):
    """A, B, A, in the order in which they were signed."""
    runs = [branch.worker._run, branch.shop.home.new_id()]
    problems = []
    later_ms = company.hub.clock.wall_ms() + 600_000
    monkeypatch.setattr(company.hub.clock, "wall_ms", lambda: later_ms)
    for turn in range(3):
        branch.shop.clock.advance(60_000)
        branch.worker._run = runs[turn % 2]
        branch.till.sell()
        reply, taken = take(company, save(branch)[0])
        problems.append(taken.problem)
    assert problems[:2] == [None, None]
    assert "Two PCs" in problems[2]
    assert "Two PCs" in load(branch, reply).problem
    assert count_at_hub(company, Sale) == 2


def test_the_file_of_an_origin_that_was_given_up_is_refused_in_words(company, branch):
    branch.till.sell()
    content, _ = save(branch)
    with company.hub.database.session(company.tenant_id) as session:
        old = branch.shop.home.origin_id
        row = session.scalars(select(Origin).where(Origin.id == old)).one()
        new = company.hub.new_id()
        session.add(Origin(
            tenant_id=row.tenant_id, id=new, node_id=row.node_id, shop_id=row.shop_id, public_key=row.public_key,
            head_n=0, head_hash=genesis(new), durable_n=0, opened_at=row.opened_at,
        ))  # fmt: skip
        session.execute(update(Node).values(origin_id=new))
    reply, taken = take(company, content)
    assert "restored from a backup" in taken.problem
    assert (taken.entries, count_at_hub(company, Sale)) == (0, 0)
    assert "needs the internet once" in load(branch, reply).problem


def test_nothing_is_learned_of_the_clock_from_a_file(company, branch):
    branch.till.sell()
    reply, _ = take(company, save(branch)[0])
    with branch.shop.home.reading() as session:
        before = session.scalars(select(Installation.clock_offset_ms)).one()
    branch.shop.clock.advance(86_400_000)
    load(branch, reply)
    with branch.shop.home.reading() as session:
        assert session.scalars(select(Installation.clock_offset_ms)).one() == before


def test_an_older_edit_from_a_stick_does_not_pass_for_the_latest(company, branch):
    """Its age is not known from the monotonic clock: the wall clock it was written by decides between strangers."""
    form = {"product_id": branch.till.glass, "description": "written in the shop, first"}
    branch.shop.perform("products.update", form)
    content, _ = save(branch)
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "description": "the owner, later"})
    take(company, content)
    with company.hub.home(company.tenant_id).reading() as session:
        product = session.scalars(select(Product).where(Product.id == branch.till.glass)).one()
        assert product.description == "the owner, later"
