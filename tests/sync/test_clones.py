"""Two PCs with one identity: noticed before anything is mixed, chosen by the owner, and no alarm for anything else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from cloudhub.tenancy.clones import RUNS_KEPT, Words, choose_run, meet, runs_of
from cloudhub.tenancy.models import Node
from cloudhub.tenancy.nodes import find_key
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.clock import ManualClock
from shopnode.domain.sales.models import Sale
from shopnode.sync.line import Refused
from shopnode.sync.renew import renew
from shopnode.sync.transport import LinkDown
from shopnode.sync.worker import STOPPED_RETRY_MS
from sync_protocol.problems import CloneSuspected, ProtocolError, Unavailable
from tests.domain.till import Till, open_till
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import copy_of, differences, reopen, settle


@pytest.fixture
def timed(company: Company) -> Iterator[Company]:
    """The hub's clock stands in our hands: runs are told apart by the second in which they spoke."""
    real = company.hub.clock
    company.hub.clock = ManualClock(real.wall_ms())
    yield company
    company.hub.clock = real


@pytest.fixture
def pair(timed: Company, tmp_path) -> tuple[Company, Branch, Branch, Till]:
    """A shop and its clone, and the till of the first."""
    branch = timed.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()
    clone = copy_of(branch, tmp_path / "clone")
    clone.shop.clock = clone.shop.home.clock = ManualClock(branch.shop.clock.now_ms)
    return timed, branch, clone, till


def say(company: Company, branch: Branch) -> str:
    """What the hub says to a PC that speaks now: a problem's code, or nothing."""
    company.hub.clock.advance(2_000)
    branch.shop.clock.now_ms = company.hub.clock.now_ms
    try:
        branch.worker.run_once()
    except Refused as refused:
        return refused.problem.code
    return ""


def node_of(company: Company, branch: Branch) -> Node:
    with company.hub.database.session(company.tenant_id) as session:
        return session.scalars(select(Node).where(Node.id == branch.shop.home.node_id)).one()


def runs(company: Company, branch: Branch):
    with company.hub.database.session(company.tenant_id) as session:
        return runs_of(session, branch.shop.home.node_id)


def choose(company: Company, branch: Branch) -> None:
    run = branch.worker._run
    choose_run(company.hub.database, company.tenant_id, branch.shop.home.node_id, run, company.hub.clock.wall_ms())


def alarm(company, first: Branch, second: Branch) -> None:
    assert say(company, first) == ""
    assert say(company, second) == ""  # by itself it looks like a restart
    assert say(company, first) == "clone_suspected"


def test_two_that_alternate_are_noticed_and_neither_is_heard(pair):
    company, first, second, _ = pair
    alarm(company, first, second)
    assert say(company, second) == "clone_suspected"
    assert node_of(company, first).clone_suspected_at is not None


def test_the_owner_is_told_what_tells_the_two_apart(pair):
    company, first, second, _ = pair
    alarm(company, first, second)
    say(company, second)
    found = {run.run_id: run for run in runs(company, first)}
    assert {first.worker._run, second.worker._run} <= found.keys()
    for run in (first.worker._run, second.worker._run):
        assert found[run].series == "KLA1"
        assert found[run].software == "tests"
        assert found[run].ip


@pytest.mark.parametrize("lives", [0, 1])
def test_the_chosen_one_lives_with_a_new_key_and_the_other_is_shut_out(pair, lives):
    company, first, second, till = pair
    alarm(company, first, second)
    living, other = ((first, second), (second, first))[lives]
    say(company, second)
    choose(company, living)
    assert say(company, other) == "revoked"
    for _ in range(4):
        assert say(company, living) == ""
    node = node_of(company, living)
    assert (node.clone_suspected_at, node.living_run_id, node.rotate_asked_at) == (None, None, None)
    assert say(company, other) == "revoked"
    reopen(other)
    assert say(company, other) == "revoked"  # also after a restart: its key is dead
    Till(living.shop, till.glass, till.charger, till.phone, till.units).sell()
    assert say(company, living) == ""
    assert differences(company, living) == []


def test_a_restored_copy_that_lives_beside_the_original_is_a_clone_and_the_original_may_be_chosen(pair):
    company, first, second, _ = pair
    assert say(company, first) == ""
    renew(second.shop.home, "restored")
    assert say(company, second) == ""
    sold = Till(first.shop, *[getattr(pair[3], name) for name in ("glass", "charger", "phone", "units")]).sell()
    assert say(company, first) == "clone_suspected"
    choose(company, first)
    for _ in range(4):
        assert say(company, first) == ""
    assert node_of(company, first).origin_id == first.shop.home.origin_id
    assert node_of(company, first).series == "KLA1"
    with company.hub.home(company.tenant_id).reading() as session:
        assert sold.result["sale_id"] in set(session.scalars(select(Sale.id)))
    assert say(company, second) == "revoked"


def test_a_start_that_nobody_chose_yet_is_not_heard_before_the_new_key_is_used(pair):
    company, first, second, _ = pair
    alarm(company, first, second)
    choose(company, first)
    reopen(second)
    assert say(company, second) == "clone_suspected"
    assert say(company, first) == ""


def test_a_stopped_worker_asks_again_now_and_then_and_comes_back_by_itself(pair):
    company, first, second, _ = pair
    alarm(company, first, second)
    assert first.worker._try() == STOPPED_RETRY_MS
    assert first.worker.status().state == "stopped"
    choose(company, first)
    company.hub.clock.advance(60_000)
    first.worker._try()
    assert first.worker.status().state in ("ok", "sending")


def test_restarts_and_lost_replies_raise_no_alarm(company):
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    chance = random.Random(30)
    for _ in range(60):
        branch.shop.clock.advance(chance.randrange(200, 20_000))
        deed = chance.random()
        if deed < 0.3:
            branch.line.lose_replies()
        elif deed < 0.5:
            reopen(branch)
            till = Till(branch.shop, till.glass, till.charger, till.phone, till.units)
        else:
            till.shop.do("products.update", product_id=till.glass, price_minor=chance.randrange(4_000, 9_000))
        try:
            branch.worker.run_once()
        except LinkDown:
            branch.line.heal()
    settle(branch)
    assert node_of(company, branch).clone_suspected_at is None
    assert differences(company, branch) == []


STEP = st.tuples(
    st.sampled_from(["say", "say", "restart", "delay"]), st.integers(0, 40), st.booleans(), st.integers(1, 8)
)


@given(st.lists(STEP, min_size=1, max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_pc_never_raises_an_alarm_and_two_always_do(company, steps):
    """Requests of one PC, restarted at will; some arrive late, when newer ones were heard; some are lost."""
    world = _fresh(company)
    now_s, run, late = 1_000_000, world.new_run(), []
    for deed, seconds, is_lost, wait in steps:
        now_s += seconds
        if deed == "restart":
            now_s += 1  # a start takes a moment
            run = world.new_run()
        elif deed == "delay":
            late.append((wait, run, now_s))
        elif not is_lost:
            world.hear(run, now_s)
        late = [(left - 1, *rest) for left, *rest in late]
        for _, old_run, signed_s in [item for item in late if item[0] <= 0]:
            with suppress(Unavailable):  # nobody waits for that answer any more
                world.hear(old_run, signed_s)
        late = [item for item in late if item[0] > 0]
    other = world.new_run()
    world.hear(run, now_s + 10)
    world.hear(other, now_s + 20)
    with pytest.raises(CloneSuspected):
        world.hear(run, now_s + 30)
    assert len(world.runs()) <= RUNS_KEPT


def _fresh(company: Company):
    """The books of one node's starts, begun anew."""
    if not company.branches:
        company.open_branch("KLA")
    hub, node_id = company.hub, company.branches[0].shop.home.node_id
    with hub.database.session(company.tenant_id) as session:
        values = {"run_id": None, "earlier_run_id": None, "run_signed_s": None, "clone_suspected_at": None}
        session.execute(update(Node).where(Node.id == node_id).values(**values))

    def hear(run: str, signed_s: int, now_s: int | None = None) -> None:
        key = find_key(hub.database, node_id)
        assert key is not None
        words = Words(run, key.origin_id, signed_s, "10.0.0.1", "PC", "tests")
        meet(hub.database, key, words, (now_s or signed_s) * 1_000)
        with hub.database.session(company.tenant_id) as session:  # as an exchange notes it, of the run that counts
            heard = update(Node).where(Node.id == node_id, Node.run_id == run, Node.run_signed_s < signed_s)
            session.execute(heard.values(run_signed_s=signed_s))

    def seen():
        with hub.database.session(company.tenant_id) as session:
            return runs_of(session, node_id)

    return SimpleNamespace(hear=hear, runs=seen, new_run=hub.new_id)


def test_a_copy_that_dates_its_signatures_back_hears_nothing_and_brings_nothing(company):
    """It was never noticed, was sent the shop's books, and made the true computer look like the copy."""
    world = _fresh(company)
    true, copy = world.new_run(), world.new_run()
    for now_s in range(1_000_000, 1_000_200, 20):
        world.hear(true, now_s)
        with pytest.raises(Unavailable):
            world.hear(copy, now_s + 5 - 60, now_s + 5)
    world.hear(copy, 1_000_300)  # the true one is quiet for longer than a signature counts: it looks like a restart
    with pytest.raises(CloneSuspected):
        world.hear(true, 1_000_301)


def test_a_late_request_of_an_earlier_start_is_not_answered_and_raises_no_alarm(company):
    world = _fresh(company)
    first, second, never_heard = world.new_run(), world.new_run(), world.new_run()
    world.hear(first, 1_000_000)
    world.hear(second, 1_000_060)
    for run in (first, never_heard):
        with pytest.raises(Unavailable):
            world.hear(run, 1_000_005, 1_000_061)
    world.hear(second, 1_000_070)


def test_a_choice_of_something_that_is_no_run_of_the_node_is_refused(pair):
    company, first, second, _ = pair
    alarm(company, first, second)
    with pytest.raises(Exception, match="computer"):
        choose_run(company.hub.database, company.tenant_id, first.shop.home.node_id, company.hub.new_id(), 0)
    assert issubclass(CloneSuspected, ProtocolError)


def test_what_a_copy_brought_under_its_own_origin_has_no_second_effect_when_the_original_brings_it(timed, tmp_path):
    """A drawer was opened on the one disk, which was copied; the copy closed it, and the original's word of the opening
    was set aside for ever."""
    first = timed.open_branch("KLA")
    first.sync()
    first.shop.do("cash.open_drawer", opening_float=10_000)
    second = copy_of(first, tmp_path / "clone")
    second.shop.clock = second.shop.home.clock = ManualClock(first.shop.clock.now_ms)
    renew(second.shop.home, "restored")
    second.shop.do("cash.close_drawer", counted=10_000)
    assert say(timed, second) == ""
    assert say(timed, first) == "clone_suspected"
    choose(timed, first)
    for _ in range(4):
        assert say(timed, first) == ""
    with timed.hub.database.session(timed.tenant_id) as session:
        verdicts = session.execute(text("SELECT verdict FROM journal_entry WHERE action = 'cash.open_drawer'")).all()
    assert sorted(str(verdict) for (verdict,) in verdicts) == ["None", "duplicate"]
    assert [drawer.is_open for drawer in first.shop.rows(DrawerSession)] == [False]
    assert differences(timed, first) == []
