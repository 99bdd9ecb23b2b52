"""A shop that sold alone joins the hub: it keeps its ids, and everything it recorded goes up."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.tenants import add_shop
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.journal import JournalEntry
from shopnode.domain.people.models import Business, Shop, Staff
from shopnode.domain.sales.models import Sale
from shopnode.machine.enrolling import EnrolmentRefused, HubAway, enrol_running
from shopnode.sync.enrol import adopt, ask_to_enrol, standalone_of
from shopnode.sync.line import Refused
from shopnode.sync.transport import LinkDown
from shopnode.sync.worker import SyncWorker
from tests.domain.till import open_till
from tests.sync.chain_of_shops import Company, Line


def join(company: Company, shop, code: str, seed: int = 3) -> SyncWorker:
    line = Line(company.app)
    enrolment = ask_to_enrol(
        "http://hub.test", code, device="PC", software="tests", random=random.Random(seed).randbytes,
        standalone=standalone_of(shop.home), transport=line,
    )  # fmt: skip
    adopt(shop.home, enrolment)
    return SyncWorker(shop.home, transport=line)


def at_hub(company: Company, model):
    with company.hub.home(company.tenant_id).reading() as session:
        return list(session.scalars(select(model)))


def test_a_standalone_shop_keeps_its_ids_and_everything_goes_up(company, alone):
    till = open_till(alone)
    told = [till.sell().result["number"] for _ in range(3)]
    shop_id, origin = alone.home.shop_id, alone.home.origin_id
    prepared = add_shop(company.hub, company.tenant_id, "Kampala Road", "KLA")
    worker = join(company, alone, make_enrol_code(company.hub, company.tenant_id, prepared))
    worker.run_once()
    worker.run_once()

    assert worker.status().waiting == 0
    assert (alone.home.shop_id, alone.home.origin_id) == (shop_id, origin)
    assert sorted(sale.number for sale in at_hub(company, Sale)) == told
    assert {sale.shop_id for sale in at_hub(company, Sale)} == {shop_id}
    shops = {shop.id: shop.archived_at for shop in at_hub(company, Shop)}
    assert shops[shop_id] is None
    assert shops[prepared] is not None
    assert len(at_hub(company, Business)) == 1
    entries = [row for row in at_hub(company, JournalEntry) if row.origin_id == origin]
    assert len(entries) == len(alone.entries())
    assert {staff.id for staff in alone.rows(Staff)} >= {company.owner.id}  # the portal's owner is known here now

    perform(company.portal(), "products.update", {"product_id": till.glass, "price_minor": 6_000})
    worker.run_once()
    assert alone.row(Product, till.glass).price_minor == 6_000
    assert till.sell(pay=[{"method": "cash", "amount": 6_000}]).result["number"] == "KLA1-000004"


def test_an_enrolment_code_is_good_once(company, alone):
    prepared = add_shop(company.hub, company.tenant_id, "Kampala Road", "KLA")
    code = make_enrol_code(company.hub, company.tenant_id, prepared)
    join(company, alone, code)
    with pytest.raises(Refused, match="code is wrong, used or too old"):
        join(company, alone, code, seed=4)


def test_a_shop_that_has_sold_already_gives_its_place_to_nobody(company, alone):
    branch = company.open_branch("KLA")
    open_till(branch.shop).sell()
    branch.sync()
    code = make_enrol_code(company.hub, company.tenant_id, branch.shop.home.shop_id)
    with pytest.raises(Refused):
        join(company, alone, code)


def running(shop) -> SimpleNamespace:
    """As much of a running node as enrolment asks for."""
    sync = SimpleNamespace(status=lambda: SimpleNamespace(state="not-enrolled"), wake=lambda: None)
    return SimpleNamespace(home=shop.home, sync=sync)


def test_a_shop_whose_enrolment_was_cut_off_types_the_same_code_again(company, alone, monkeypatch):
    open_till(alone).sell()
    line = Line(company.app)
    monkeypatch.setattr("shopnode.sync.enrol.HttpTransport", lambda url: line)
    code = make_enrol_code(company.hub, company.tenant_id, add_shop(company.hub, company.tenant_id, "Ntinda", "NTD"))

    def lost(target, through):
        answer = through()
        if target.endswith("/enrol"):
            raise LinkDown("reply lost")
        return answer

    line.fault = lost
    with pytest.raises(HubAway):
        enrol_running(running(alone), "http://localhost", code)
    line.heal()
    enrol_running(running(alone), "http://localhost", code)

    worker = SyncWorker(alone.home, transport=line)
    worker.run_once()
    assert worker.status().waiting == 0
    assert len(at_hub(company, Sale)) == 1


def test_a_refusal_to_take_a_shop_over_is_told_in_the_hubs_words(company, alone, monkeypatch):
    monkeypatch.setattr("shopnode.sync.enrol.HttpTransport", lambda url: Line(company.app))
    add_shop(company.hub, company.tenant_id, "Kampala Road", "KLA")
    code = make_enrol_code(company.hub, company.tenant_id, add_shop(company.hub, company.tenant_id, "Ntinda", "NTD"))
    with pytest.raises(EnrolmentRefused, match="begin with KLA"):
        enrol_running(running(alone), "http://localhost", code)
    with pytest.raises(EnrolmentRefused, match="wrong, used or too old"):
        enrol_running(running(alone), "http://localhost", "AAAA-AAAA-AAAA")
