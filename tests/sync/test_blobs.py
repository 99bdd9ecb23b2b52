"""Photos between shops, hub and portal: they arrive whole, after everything else, and within their budget."""

from __future__ import annotations

import base64
import io
from hashlib import sha256

import pytest
from PIL import Image
from sqlalchemy import delete, func, select

from cloudhub.calls.door import BYTES
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Invalid
from shopnode.domain.photos.models import Blob
from shopnode.domain.photos.store import photo_or_none
from shopnode.domain.sales.models import Sale
from shopnode.sync.blobs import CALL_BYTES
from shopnode.sync.line import Refused, SignedLine, read_link
from shopnode.sync.models import PhotoPace, PhotoSent
from shopnode.sync.transport import LinkDown
from sync_protocol.blobs import BLOBS, CHUNK_BYTES, get_target, put_target
from tests.domain.till import open_till
from tests.sync.chain_of_shops import found_company


def picture(seed=0, size=700):
    """A photo that stays some chunks long."""
    file = io.BytesIO()
    Image.effect_noise((size + seed, size), 80).convert("RGB").save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def branch(company):
    opened = company.open_branch("KLA")
    opened.till = open_till(opened.shop)
    opened.sync()
    return opened


def show(branch, seed=0, product=None):
    form = {"product_id": product or branch.till.glass, "image": picture(seed)}
    return branch.shop.perform("products.set_photo", form).result["photo"]


def at_hub(company, name):
    with company.hub.home(company.tenant_id).reading() as session:
        blob = photo_or_none(session, name)
        return blob.content if blob else None


def here(branch, name):
    with branch.shop.home.reading() as session:
        blob = photo_or_none(session, name)
        return blob.content if blob else None


def part_here(branch, name):
    with branch.shop.home.reading() as session:
        return session.scalar(select(func.length(Blob.content)).where(Blob.sha256 == name)) or 0


def calls(branch, since=0):
    return [target.split("?")[0].rsplit("/", 1)[0] for target in branch.targets[since:]]


@pytest.fixture
def watched(branch):
    """The targets that were asked, in order; `fault` may be set on top."""
    branch.targets = []
    send = branch.line.send

    def noting(method, target, headers, body):
        branch.targets.append(target)
        return send(method, target, headers, body)

    branch.line.send = noting
    return branch


def test_a_photo_goes_to_the_hub_and_from_there_to_the_other_shops(company, branch):
    other = company.open_branch("EBB")
    name = show(branch)
    branch.sync()
    content = here(branch, name)
    assert len(content) > 3 * CHUNK_BYTES
    assert at_hub(company, name) == content
    other.sync()
    assert other.shop.row(Product, branch.till.glass).photo == name
    assert here(other, name) == content
    other.sync()
    with other.shop.home.reading() as session:
        assert session.scalars(select(PhotoSent.sha256)).all() == [name]  # it is not offered for ever


def test_the_owners_photo_reaches_the_shops(company, branch):
    form = {"product_id": branch.till.glass, "image": picture()}
    name = perform(company.portal(), "products.set_photo", form).result["photo"]
    branch.sync()
    assert here(branch, name) == at_hub(company, name)


def test_money_goes_first_and_photos_last(company, watched):
    for seed in range(2):
        show(watched, seed)
    for _ in range(5):
        watched.till.sell()
    watched.sync()
    kinds = calls(watched)
    first_photo = kinds.index("/sync/v1/blob")
    assert "/sync/v1/exchange" not in [kind for kind in kinds[:first_photo] if kind.startswith("/sync/v1/blob")]
    assert watched.targets.index(BLOBS) > watched.targets.index("/sync/v1/exchange")
    with company.hub.home(company.tenant_id).reading() as session:
        assert session.scalar(select(func.count()).select_from(Sale)) == 5


def test_a_sale_in_the_middle_of_a_photo_goes_before_its_next_part(company, watched):
    name = show(watched)
    sold = []

    def fault(target, through):
        answer = through()
        if target.startswith("/sync/v1/blob/") and not sold:
            sold.append(watched.till.sell())
        return answer

    watched.line.fault = fault
    done = watched.worker.run_once()
    assert calls(watched).count("/sync/v1/blob") == 1
    assert done.next_poll_ms <= 2_000  # comes again at once
    watched.sync()
    assert at_hub(company, name) is not None
    after = watched.targets[watched.targets.index(next(t for t in watched.targets if "/blob/" in t)) + 1 :]
    assert after[0] == "/sync/v1/exchange"


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_photo_that_is_cut_off_is_taken_up_where_it_was(company, watched, lost):
    name = show(watched)
    seen = []

    def flaky(target, through):
        if "/blob/" not in target:
            return through()
        seen.append(target)
        if len(seen) % 2 == 0:
            if lost == "answer":
                through()
            raise LinkDown("cut")
        return through()

    watched.line.fault = flaky
    for _ in range(30):
        watched.worker.run_once()
        if at_hub(company, name):
            break
    assert at_hub(company, name) == here(watched, name)
    size = len(here(watched, name))
    parts = -(-size // CHUNK_BYTES)
    assert len(seen) <= 2 * parts + 2  # no part twice but those that were cut
    assert watched.worker.status().state != "stopped"


def test_a_fetched_photo_is_taken_up_where_it_was(company, watched):
    form = {"product_id": watched.till.glass, "image": picture()}
    name = perform(company.portal(), "products.set_photo", form).result["photo"]
    seen = []

    def flaky(target, through):
        if "/blob/" in target:
            seen.append(target)
            if len(seen) % 2 == 0:
                raise LinkDown("cut")
        return through()

    watched.line.fault = flaky
    before = 0
    for _ in range(30):
        watched.worker.run_once()
        assert part_here(watched, name) >= before
        before = part_here(watched, name)
        if here(watched, name):
            break
    assert here(watched, name) == at_hub(company, name)


def test_photos_never_make_the_link_look_broken(company, watched):
    show(watched)

    def no_photos(target, through):
        if "/blob" in target:
            raise LinkDown("status 404")
        return through()

    watched.line.fault = no_photos
    for _ in range(4):
        watched.worker._try()
        assert watched.worker.status().state == "ok"
    assert calls(watched).count("/sync/v1") >= 4
    assert watched.targets.count(BLOBS) == 1  # and is not asked at every poll
    watched.shop.clock.advance(13 * 3_600_000)
    watched.worker._try()
    assert watched.targets.count(BLOBS) == 2
    show(watched, 1)  # another photo is tried at once
    watched.worker._try()
    assert watched.targets.count(BLOBS) == 3


def test_the_days_budget_holds_and_the_rest_goes_tomorrow(company, watched):
    name = show(watched)
    size = len(here(watched, name))
    perform(company.portal(), "settings.change", {"key": "photo_kb_per_day", "value": 60})
    for _ in range(10):
        watched.worker.run_once()
        watched.shop.clock.advance(20 * 60_000)
    with watched.shop.home.reading() as session:
        spent = session.get(PhotoPace, 1).bytes
    assert 30_000 < spent <= 60_000
    assert at_hub(company, name) is None
    for _ in range(2 + (size + 40 * CALL_BYTES) // 60_000 * 3):
        watched.shop.clock.advance(12 * 3_600_000)
        watched.worker.run_once()
    assert at_hub(company, name) is not None


def test_a_shop_without_photos_asks_nothing(company, watched):
    watched.till.sell()
    watched.sync()
    assert BLOBS not in watched.targets
    show(watched)
    watched.sync()
    before = watched.targets.count(BLOBS)
    for _ in range(5):
        watched.shop.clock.advance(24 * 3_600_000)
        watched.worker.run_once()
    assert watched.targets.count(BLOBS) == before


def test_a_hub_that_lost_its_photos_gets_them_again(company, branch, hub):
    name = show(branch)
    branch.sync()
    with hub.database.session(company.tenant_id) as session:
        session.execute(delete(Blob))
        session.commit()
    assert at_hub(company, name) is None
    with branch.shop.home.writing() as session:
        session.query(PhotoSent).update({"epoch": "an earlier life"})
    branch.sync()
    with branch.shop.home.reading() as session:
        assert session.scalars(select(PhotoSent.epoch)).all() == [hub.identity.epoch]
    assert at_hub(company, name) is not None


# What the hub takes, and from whom


def ask(branch, method, target, body=b""):
    home = branch.shop.home
    with home.reading() as session:
        link = read_link(session)
    return SignedLine(home, branch.line, run=branch.worker._run).call(link, method, target, body)


def test_only_what_some_row_shows_is_taken_and_given(company, branch):
    content = b"RIFF0000WEBP" + bytes(100)
    name = sha256(content).hexdigest()
    for method, target, body in (
        ("PUT", put_target(name, 0, len(content)), content),
        ("GET", get_target(name, 0), b""),
    ):
        with pytest.raises(Refused):
            ask(branch, method, target, body)
    assert at_hub(company, name) is None


def test_no_business_sees_or_fills_anothers_photos(company, branch, hub, tmp_path):
    (tmp_path / "far").mkdir()
    stranger = found_company(hub, tmp_path / "far", f"Stranger{hub.new_id()[-6:]}")
    theirs = stranger.open_branch("FAR")
    name = show(branch)
    branch.sync()
    content = here(branch, name)
    for method, target, body in (
        ("GET", get_target(name, 0), b""),
        ("PUT", put_target(name, 0, len(content)), content[:CHUNK_BYTES]),
    ):
        with pytest.raises(Refused):
            ask(theirs, method, target, body)
    stranger.close()


def test_wrong_bytes_wrong_sizes_and_wrong_names_are_refused(company, branch):
    name = show(branch)
    content = here(branch, name)
    branch.worker._afterwards = lambda done: False  # entries go, photos wait
    branch.sync()
    del branch.worker._afterwards
    size = len(content)
    for target, body in (
        (put_target(name, 0, 10**6), content[:10]),
        (put_target(name, 0, size), bytes(CHUNK_BYTES + 1)),
        (put_target(name, 0, size), b""),
        (f"/sync/v1/blob/{name}?offset=-1&size={size}", b"x"),
        (f"/sync/v1/blob/{name}?offset=1e3&size={size}", b"x"),
        (f"/sync/v1/blob/{name}", b"x"),
        (f"/sync/v1/blob/{name[:-1]}?offset=0&size=10", b"x"),
        (f"/sync/v1/blob/{name.upper()}?offset=0&size=10", b"x"),
    ):
        with pytest.raises(Refused) as refused:
            ask(branch, "PUT", target, body)
        assert refused.value.problem.status in (400, 413, 422), target
    for offset in range(0, size, CHUNK_BYTES):
        wrong = bytes(len(content[offset : offset + CHUNK_BYTES]))
        if offset + CHUNK_BYTES < size:
            ask(branch, "PUT", put_target(name, offset, size), wrong)
        else:
            with pytest.raises(Refused):
                ask(branch, "PUT", put_target(name, offset, size), wrong)
    assert at_hub(company, name) is None
    branch.shop.clock.advance(24 * 3_600_000)
    branch.sync()
    assert at_hub(company, name) == content  # what was wrong is forgotten, and the right one arrives


def test_a_put_must_come_as_bytes_and_signed(company, branch):
    name = show(branch)
    client = company.app.test_client()
    assert client.put(put_target(name, 0, 10), data=b"x", content_type=BYTES).status_code == 401
    assert client.put(put_target(name, 0, 10), json={}).status_code == 400
    assert client.get(get_target(name, 0)).status_code == 401


def test_a_photo_that_is_none_is_refused_in_the_portal_too(company, branch):
    with pytest.raises(Invalid):
        perform(company.portal(), "products.set_photo", {"product_id": branch.till.glass, "image": "bm8="})
