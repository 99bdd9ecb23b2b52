"""The owner's portal over a real hub: today as it arrives, history, prices, conflicts, computers, and nobody else's."""

from __future__ import annotations

import io
import re

import pytest

from cloudhub.portal.screens import PORTAL
from shopnode.api.mount import who_may
from shopnode.domain.errors import Invalid
from shopnode.sync.carried import ByHand, CarriedExchanger, NoLine
from shopnode.web.ui.access import OFFICE, SHARED
from tests.hub.world import Node, World
from tests.shop import Shop
from tests.web.conftest import HTMX, OURS, Browser, Owner, action_id, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def node(joined: Node) -> Node:
    return joined


def cable(node: Shop) -> str:
    return str(node.do("products.create", name="USB-C cable", category="Chargers", price_minor=8_000)["id"])


def sell(node: Shop, product_id: str, price: int = 8_000) -> str:
    form = {"items": [{"product_id": product_id}], "payments": [{"method": "cash", "amount": price}]}
    return str(node.do("sales.sell", form)["sale_id"])


def test_every_address_of_the_portal_is_in_a_table(world: World) -> None:
    found = {rule.endpoint for rule in world.app.url_map.iter_rules() if not rule.rule.startswith("/sync/")}

    assert found == {*SHARED, *OFFICE, *PORTAL, *who_may()}


def test_nobody_sees_anything_before_signing_in(world: World) -> None:
    client = world.app.test_client()
    for rule in world.app.url_map.iter_rules():
        if rule.endpoint in ("portal.login", "portal.logout", "portal.forgot", "portal.reset"):
            continue  # they let people in
        if rule.endpoint in ("portal.follow_repair", "health", "ui.static"):
            continue
        if rule.rule.startswith(("/sync/", "/api/")):
            continue
        path = re.sub(r"<[^>]+>", world.tenant_id, rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(path, method=method, headers=OURS)
            assert (answer.status_code, answer.headers.get("Location", "")[:6]) == (303, "/login"), rule


def test_a_wrong_password_is_said_in_place(world: World) -> None:
    answer = Browser(world.app).post("/login", who="sarah@kisura.example", password="wrong")

    assert answer.status_code == 401 and "is not right" in words(answer)
    assert 'value="sarah@kisura.example"' in answer.get_data(as_text=True)


def test_a_sale_appears_as_it_arrives_with_its_history(owner: Owner, node: Node) -> None:
    assert "Nothing sold yet today" in words(owner.get("/"))
    sale_id = sell(node, cable(node))
    node.sync()

    today, live = words(owner.get("/")), owner.get("/live?part=live&after=1", htmx=True)

    assert "UGX 8,000" in today and "1 sale" in today
    assert "USB-C cable" in words(live) and 'class="is-new"' in live.get_data(as_text=True)
    detail = words(owner.get(f"/live/{sale_id}"))
    assert "Sarah sold it" in detail and "Shop KLA" in detail and "KLA1-000001" in detail
    assert "USB-C cable" in words(owner.get("/sales"))


def test_the_poll_is_short_and_says_its_length(owner: Owner, node: Node) -> None:
    answer = owner.get("/live?part=live&after=0", htmx=True)

    assert answer.status_code == 200 and int(answer.headers["Content-Length"]) < 1_500


def test_a_price_changed_in_the_portal_is_the_counters_price(owner: Owner, node: Node) -> None:
    product_id = cable(node)
    node.sync()
    sheet = owner.get(f"/prices/{product_id}", htmx=True)
    saved = owner.tap(f"/prices/{product_id}", price_minor="9,500", floor_minor="", action_id=action_id(sheet))

    assert "9,500" in words(saved) and "1 shop has the old price still" in words(saved)
    node.sync()
    sell(node, product_id, 9_500)
    node.sync()
    node.sync()
    assert "the old price" not in words(owner.get("/prices"))
    assert "8,000 → 9,500" in words(owner.get(f"/products/{product_id}"))


def test_a_wrong_price_is_explained_in_the_sheet(owner: Owner, node: Node) -> None:
    product_id = cable(node)
    node.sync()

    for typed, said in (("", "Is needed"), ("abc", "must be an amount"), ("-1", "Must be at least 0")):
        answer = owner.tap(f"/prices/{product_id}", price_minor=typed)
        assert answer.status_code == 422 and answer.headers["HX-Retarget"] == "#sheet"
        assert said.lower() in words(answer).lower()


def test_the_other_value_of_a_conflict_is_one_tap_away(owner: Owner, node: Node) -> None:
    product_id = cable(node)
    node.sync()
    owner.tap(f"/prices/{product_id}", price_minor="9000", floor_minor="")
    node.do("products.update", product_id=product_id, price_minor=7_500)
    node.sync()

    listed = owner.get("/conflicts")
    text = listed.get_data(as_text=True)
    assert "9,000" in text and "7,500" in text and "Shop KLA" in text and "the portal" in text
    (address,) = set(re.findall(r'hx-post="(/conflicts/[^"]+)"', text))
    in_use = re.search(r"In use</small><b[^>]*>([\d,]+)", text)
    assert in_use
    chosen = owner.tap(address, use="other")

    other = {"9,000": "7,500", "7,500": "9,000"}[in_use.group(1)]
    assert "Settled by Sarah" in words(chosen)
    assert other in words(owner.get("/prices?q=cable"))
    assert "Everybody agrees" in words(owner.get("/conflicts"))
    assert owner.tap(address, use="other").status_code == 409


def test_what_is_worth_a_look_is_shown_until_somebody_says_it_is_done(
    owner: Owner,
    node: Node,
    world: World,
) -> None:
    sell(node, cable(node))  # none was ever received
    node.sync()

    assert "1 thing is worth a look" in words(owner.get("/"))
    listed = owner.get("/conflicts")  # the first inbox that has something in it
    assert "Shop KLA sold more of USB-C cable than it had: -1 on hand." in words(listed)
    (address,) = set(re.findall(r'hx-post="(/exceptions/[^"]+)"', listed.get_data(as_text=True)))

    assert owner.tap(address, word="counted them").status_code == 200
    assert "Everything goes together" in words(owner.get("/conflicts?inbox=exceptions"))
    assert owner.tap(address).status_code == 409
    (settled,) = world.rows("SELECT settled_word, settled_by::text FROM hub_exception")
    assert tuple(settled) == ("counted them", world.kisura.owner_id)
    assert world.rows("SELECT action FROM journal_entry ORDER BY at DESC, n DESC LIMIT 1") == [("exceptions.settle",)]


def test_computers_say_when_they_were_heard_and_what_waits(owner: Owner, node: Node, world: World) -> None:
    world.shop("NTN")
    for _ in range(2):  # a computer tells what waits before it has sent it
        node.sync()
    text = words(owner.get("/nodes"))
    assert "Shop KLA" in text and "Online" in text and "all sent" in text and "Not set up yet" in text

    world.clock.advance(60 * 60 * 1000)

    assert "Quiet" in words(owner.get("/nodes?part=list", htmx=True))


def test_an_owner_approves_and_reverses_from_afar(owner: Owner, node: Node) -> None:
    sale_id = sell(node, cable(node))
    node.sync()
    page = owner.get(f"/sales/{sale_id}")
    assert "Print again" not in words(page) and "Correct the sale" not in words(page)

    assert owner.post(f"/sales/{sale_id}/approve", action_id=action_id(page)).status_code == 303
    assert "Approved" in words(owner.get(f"/sales/{sale_id}"))
    without = owner.post(f"/sales/{sale_id}/reverse", reason="")
    assert without.status_code == 422 and "Say why" in words(without)
    assert owner.post(f"/sales/{sale_id}/reverse", reason="wrong phone").status_code == 303

    text = words(owner.get(f"/sales/{sale_id}"))
    assert "Reversed" in text and "wrong phone" in text and "is owed 8,000" in text


def test_no_tenant_sees_anothers_anything(world: World, owner: Owner, node: Node) -> None:
    product_id = cable(node)
    sale_id = sell(node, product_id)
    node.sync()
    mallory = Owner(world.app)
    mallory.sign_in("mallory@other.example")

    for path in ("/", "/sales?period=all", "/prices", "/products", "/conflicts", "/nodes", "/sales.csv?period=all"):
        text = words(mallory.get(path))
        assert "USB-C" not in text and "KLA" not in text and "Kisura" not in text, path
    for path in (f"/sales/{sale_id}", f"/live/{sale_id}", f"/products/{product_id}", f"/prices/{product_id}"):
        assert mallory.get(path).status_code == 404, path
    assert mallory.tap(f"/prices/{product_id}", price_minor="1").status_code == 404
    assert mallory.post(f"/sales/{sale_id}/approve").status_code == 404


@pytest.mark.parametrize("odd", ["x", "0", "%00", "../nodes", "01900000-0000-7000-8000-00000000000g", "'", "🙂"])
def test_an_address_that_is_no_id_is_no_page(owner: Owner, odd: str) -> None:
    for path in (f"/sales/{odd}", f"/products/{odd}", f"/prices/{odd}", f"/live/{odd}", f"/sales/{odd}/receipt.pdf"):
        assert owner.get(path).status_code in (308, 404), path
    for name in ("seller_id", "shop_id", "method", "status", "period", "q", "cursor"):
        assert owner.get("/sales", query_string={name: odd}).status_code < 500, name
    assert owner.get("/live", query_string={"part": "live", "after": odd}).status_code == 200
    assert "evil" not in owner.get("/live?_scheme=javascript&_external=1&_anchor=evil").headers["Location"]


def test_signing_out_ends_the_session(owner: Owner, world: World) -> None:
    stolen = owner.client.get_cookie("portal").value
    owner.post("/logout")
    thief = world.app.test_client()
    thief.set_cookie("portal", stolen)

    assert thief.get("/", headers=OURS).status_code == 303
    assert thief.get("/", headers=HTMX).status_code == 401


def test_another_sites_form_changes_nothing(owner: Owner, node: Node) -> None:
    product_id = cable(node)
    node.sync()
    answer = owner.client.post(
        f"/prices/{product_id}", data={"price_minor": "1"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403
    assert "8,000" in words(owner.get("/prices"))


def test_the_nodes_door_stands_apart(world: World) -> None:
    answer = world.app.test_client().get("/sync/hello", headers={"Host": "hub.example"})

    assert answer.status_code == 200
    assert "Content-Security-Policy" not in answer.headers


def test_a_shops_file_is_taken_and_its_answer_saved(owner: Owner, node: Node, world: World) -> None:
    """What a shop without internet saved is loaded by the owner; nobody else's file is."""
    node.sync()
    sell(node, cable(node))
    exchanger = CarriedExchanger(ByHand(node.home, NoLine(), run=node.exchanger.line.run), software="tests")
    file = io.BytesIO()
    saved = exchanger.export(file, 10**6)
    form = {"file": (io.BytesIO(file.getvalue()), "KLA1.shop")}
    answer = owner.client.post("/nodes/file", data=form, headers=OURS, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert ".answer" in answer.headers["Content-Disposition"]
    told = exchanger.load(io.BytesIO(answer.data))
    assert (told.accepted, told.problem) == (saved.entries, None)
    assert "8,000" in words(owner.get("/sales"))

    form = {"file": (io.BytesIO(file.getvalue()[:-1]), "KLA1.shop")}
    refused = owner.client.post("/nodes/file", data=form, headers=OURS, content_type="multipart/form-data")
    assert refused.status_code == 409
    assert "cut off" in words(refused)


def test_the_owner_says_which_shop_alone_offers_a_product(owner: Owner, node: Node, world: World) -> None:
    product_id, elsewhere = cable(node), world.shop("JJA")
    node.sync()
    page = owner.get(f"/products/{product_id}")
    assert "Shop JJA only" in words(page)

    saved = owner.post(f"/products/{product_id}", only_shop_id=elsewhere, action_id=action_id(page))
    assert saved.status_code == 303
    node.sync()
    with pytest.raises(Invalid, match="sold in another shop only"):
        sell(node, product_id)
    assert owner.post(f"/products/{product_id}", only_shop_id="").status_code == 303
    node.sync()
    assert sell(node, product_id)
