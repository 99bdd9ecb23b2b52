"""The journal answers who did what, and proves that nothing was taken out of it; in a shop and at the hub."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from shopnode import verify_journal
from shopnode.domain.audit.chains import Chain, all_chains, check_chain, find_chain, journal_lines
from shopnode.domain.audit.search import MASK, JournalFilter, find_entry, search_journal
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.permissions import Role
from tests.shop import Shop

CABLE = {"name": "USB-C cable", "category": "Accessories", "price_minor": 8_000}
DAY_MS = 86_400_000
NOTHING = "0190a000-0000-7000-8000-00000000dead"


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    return anywhere


def found(shop: Shop, **wanted: object) -> list[str]:
    """The actions that a search finds, the newest first."""
    with shop.reading() as ctx:
        return [row.action for row in search_journal(ctx, JournalFilter(**wanted), limit=200).rows]  # type: ignore[arg-type]


def own_chain(shop: Shop) -> Chain:
    with shop.reading() as ctx:
        return find_chain(ctx, shop.home.origin_id)


# --- searching


def test_the_journal_is_searched_by_person_record_action_and_time(shop: Shop) -> None:
    before = len(found(shop))
    cable = shop.do("products.create", CABLE)["id"]
    shop.clock.advance(1_000)
    shop.do("products.update", product_id=cable, price_minor=9_000)
    shop.clock.advance(DAY_MS)
    asha = shop.perform("customers.create", role=Role.STAFF, name="Asha", phone="0772 123 456").result["id"]
    today = date(2026, 9, 22)

    assert found(shop, record_id=cable) == ["products.update", "products.create"]
    assert found(shop, entity="product") == ["products.update", "products.create"]
    assert found(shop, actor_id=shop.cashier.id) == ["customers.create"]
    assert found(shop, action="products") == ["products.update", "products.create"]
    assert found(shop, action="products.create") == ["products.create"]
    assert found(shop, action="product") == found(shop, action="%") == found(shop, action="products_") == []
    assert found(shop, record_id=asha, actor_id=shop.owner.id) == []
    assert len(found(shop)) == before + 3
    if shop.home.is_shop:
        assert found(shop, since=today) == ["customers.create"]
        assert found(shop, until=date(2026, 9, 21), entity="product") == ["products.update", "products.create"]
        assert found(shop, since=date(2026, 9, 23)) == []


def test_days_that_end_before_they_begin_are_refused(shop: Shop) -> None:
    with pytest.raises(Invalid):
        found(shop, since=date(2026, 9, 22), until=date(2026, 9, 21))
    assert found(shop, since=date.min, until=date.max) == found(shop)


def test_the_journal_is_read_page_by_page_and_each_entry_once(shop: Shop) -> None:
    for nth in range(7):
        shop.do("products.create", CABLE, name=f"Cable {nth}")
    seen: list[str] = []
    cursor = None
    with shop.reading() as ctx:
        while True:
            page = search_journal(ctx, JournalFilter(), limit=3, cursor=cursor)
            seen += [row.id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        everything = [row.id for row in search_journal(ctx, JournalFilter(), limit=200).rows]
    assert seen == everything
    assert len(set(seen)) == len(seen) >= 7


def test_an_entry_tells_old_and_new_values_who_and_where_from(shop: Shop) -> None:
    cable = shop.do("products.create", CABLE)["id"]
    done = shop.perform("products.update", product_id=cable, price_minor=9_000)
    with shop.reading() as ctx:
        entry = find_entry(ctx, done.action_id)
        with pytest.raises(NotFound):
            find_entry(ctx, NOTHING)

    told = {one.name: (one.old, one.new) for one in entry.changes[0].fields}
    assert told["price_minor"] == (8_000, 9_000)
    assert (entry.row.actor, entry.row.ip, entry.row.user_agent) == ("Sarah", "192.168.1.20", "tests")
    assert (entry.row.entity, entry.row.record_id, entry.changes[0].is_new) == ("product", cable, False)
    assert entry.row.words.startswith("Change any of a product")


def test_rule_91_personal_values_and_secrets_are_not_read_out_of_the_journal(shop: Shop) -> None:
    customer = shop.perform("customers.create", name="Asha Nakato", phone="0772 123 456")
    staff = {"name": "Zed", "role": "Staff", "phone": "0798 555 666", "password": "correct horse battery"}
    hired = shop.perform("staff.add", staff if shop.home.is_shop else {**staff, "shop_ids": [_a_shop(shop)]})
    with shop.reading() as ctx:
        entries = [find_entry(ctx, done.action_id) for done in (customer, hired)]

    told = [(one.name, one.new) for entry in entries for row in entry.changes for one in row.fields]
    said = str(told)
    assert ("name", MASK) in told
    assert ("phone", MASK) in told
    for secret in ("Asha", "256772123456", "argon2", "~"):
        assert secret not in said


def _a_shop(shop: Shop) -> str:
    with shop.home.reading() as session:
        return str(session.execute(text("SELECT id FROM shop")).scalar_one())


def test_a_second_person_is_named_beside_the_first(counter: Shop) -> None:
    counter.do("cash.open_drawer", opening_float=0)
    cable = counter.do("products.create", CABLE)["id"]
    ticket = {
        "items": [{"product_id": cable, "quantity": 1, "discount_amount": 4_000}],
        "payments": [{"method": "cash", "amount": 4_000}],
    }
    counter.do("stock.adjust", product_id=cable, quantity=5, reason="found")
    counter.perform("sales.sell", ticket, role=Role.STAFF, approval=counter.approval_by(Role.OWNER))
    with counter.reading() as ctx:
        row = search_journal(ctx, JournalFilter(action="sales.sell")).rows[0]
    assert (row.actor, row.approver) == ("Aisha", "Sarah")


# --- the chain


def test_the_chain_is_verified_from_its_first_entry(shop: Shop) -> None:
    shop.do("products.create", CABLE)
    with shop.reading() as ctx:
        whole = check_chain(ctx, shop.home.origin_id)
        with pytest.raises(NotFound):
            check_chain(ctx, NOTHING)

    assert whole.is_whole
    assert whole.entries == whole.chain.head.n > 0
    assert whole.chain.code


@pytest.mark.parametrize(
    ("tampered", "words"),
    [
        ("UPDATE journal_entry SET body = replace(body, '8000', '7000') WHERE n = :n - 1", "was changed"),
        ("DELETE FROM journal_entry WHERE n = :n - 1", "is not there"),
        ("DELETE FROM journal_entry WHERE n = :n", "the end was cut off"),
        ("UPDATE journal_entry SET actor_id = NULL WHERE n = :n", "who did it"),
        ("UPDATE journal_entry SET action = 'sales.sell' WHERE n = :n", "what was done"),
        ("UPDATE journal_entry SET at = at - 86400000 WHERE n = :n", "when"),
        ("UPDATE journal_entry SET shop_id = NULL WHERE n = :n", "in which shop"),
        ("UPDATE journal_entry SET subject_id = entry_id WHERE n = :n", "what it is about"),
        ("UPDATE journal_entry SET verdict = 'duplicate' WHERE n = :n", "whether it counts"),
        ("UPDATE installation SET head_hash = '00' WHERE :n > 0", "is not the one whose hash was written down"),
    ],
)
def test_whatever_is_done_to_the_chain_shows(counter: Shop, tampered: str, words: str) -> None:
    counter.do("products.create", CABLE)
    counter.do("products.create", CABLE, name="Another cable")
    n = own_chain(counter).head.n
    with counter.home.database.writing() as session:  # type: ignore[attr-defined]
        session.execute(text(tampered), {"n": n})

    with counter.reading() as ctx:
        found = check_chain(ctx, counter.home.origin_id)

    assert not found.is_whole
    assert words in found.breaks[0]


# --- the journal as a file


@pytest.fixture
def journal(shop: Shop, tmp_path: Path) -> Path:
    """A journal with a price and a customer in it, taken out."""
    shop.do("products.create", CABLE)
    shop.do("customers.create", name="Asha Nakato", phone="0772 123 456")
    file = tmp_path / "journal.tsv"
    with shop.reading() as ctx:
        file.write_text("".join(journal_lines(ctx, own_chain(shop))), encoding="utf-8")
    return file


def test_a_journal_is_verified_by_plain_python_alone(shop: Shop, journal: Path, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "verify.py"
    alone.parent.mkdir()
    alone.write_bytes(Path(verify_journal.__file__).read_bytes())
    head = own_chain(shop).head

    command = [sys.executable, "-I", "-S", str(alone), str(journal), "--head", str(head.hash)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{head.n:,} entries, from " in done.stdout
    assert str(head.hash) in done.stdout


def test_rule_91_nobody_is_named_in_a_journal_that_is_taken_out(journal: Path) -> None:
    told = journal.read_text(encoding="utf-8")
    assert "8000" in told
    assert "Asha" not in told
    assert "772123456" not in told


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines(keepends=True)


TAMPERED = {
    "a value": lambda lines: [line.replace("8000", "7000") for line in lines],
    "one removed": lambda lines: lines[:-2] + lines[-1:],
    "the end cut off": lambda lines: lines[:-1],
    "two changed places": lambda lines: [*lines[:-2], lines[-1], lines[-2]],
    "one twice": lambda lines: [*lines, lines[-1]],
    "another number": lambda lines: [*lines[:-1], lines[-1].replace("\t", "9\t", 1)],
    "another origin": lambda lines: [lines[0], "# origin 0190a000-0000-7000-8000-00000000dead\n", *lines[2:]],
    "no end told": lambda lines: [line for line in lines[:-1] if not line.startswith(("# entries", "# head"))],
    "all entries gone and no end told": lambda lines: [line for line in lines[:6] if "# entries" not in line],
    "another end": lambda lines: [line if not line.startswith("# head") else f"# head {'0' * 64}\n" for line in lines],
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_journal_that_was_touched_is_not_whole(
    counter: Shop, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    counter.do("products.create", CABLE)
    counter.do("products.create", CABLE, name="Another cable")
    file = tmp_path / "journal.tsv"
    with counter.reading() as ctx:
        lines = list(journal_lines(ctx, own_chain(counter)))
    file.write_text("".join(lines), encoding="utf-8")
    assert verify_journal.main([str(file)]) == 0
    file.write_text("".join(TAMPERED[how](lines)), encoding="utf-8")

    assert verify_journal.main([str(file)]) == 1
    assert "NOT WHOLE" in capsys.readouterr().out


def written_anew(lines: list[str], last: str) -> list[str]:
    """A journal with another last entry, and all hashes and its end as they follow from it: one that hangs together."""
    before = lines[-2].split("\t")[1]
    hashed = hashlib.sha256(bytes.fromhex(before) + last.encode()).hexdigest()
    told = [line if not line.startswith("# head") else f"# head {hashed}\n" for line in lines[:-1]]
    return [*told, f"{lines[-1].split(chr(9))[0]}\t{hashed}\t{last}\n"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: body.replace("{", '{"action":"sales.void",', 1),
        lambda body: body[:-1],
        lambda body: "[" * 100_000,
        lambda body: f"[{body}]",
        lambda body: re.sub('"at":[0-9]+', '"at":"soon"', body),
    ],
)
def test_an_entry_that_two_readers_could_read_otherwise_is_none(
    counter: Shop, tmp_path: Path, forge: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    counter.do("products.create", CABLE)
    with counter.reading() as ctx:
        lines = list(journal_lines(ctx, own_chain(counter)))
    file = tmp_path / "journal.tsv"
    body = lines[-1].rstrip("\n").split("\t")[2]
    file.write_text("".join(written_anew(lines, body.replace("8000", "7000"))), encoding="utf-8")
    assert verify_journal.main([str(file)]) == 0  # hangs together, as the text of the program says
    file.write_text("".join(written_anew(lines, forge(body))), encoding="utf-8")

    assert verify_journal.main([str(file)]) == 1
    assert "cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("sign", ["\x1b[8m", "\r", "\u202e", "\x9b2K"])
def test_no_sign_in_a_journal_hides_what_is_said_of_it(
    counter: Shop, tmp_path: Path, sign: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with counter.reading() as ctx:
        lines = list(journal_lines(ctx, own_chain(counter)))
    lines = [line.replace("# of ", f"# of {sign}") for line in lines]
    file = tmp_path / "journal.tsv"
    file.write_text("".join(lines[:-1]) + f"{sign}\n", encoding="utf-8", newline="\n")

    assert verify_journal.main([str(file)]) == 1
    said = capsys.readouterr().out
    assert "NOT WHOLE" in said
    assert sign not in said


def test_a_journal_that_says_what_it_is_twice_is_none(counter: Shop, tmp_path: Path) -> None:
    with counter.reading() as ctx:
        lines = list(journal_lines(ctx, own_chain(counter)))
    (tmp_path / "journal.tsv").write_text("".join([lines[0], "# entries 1\n", *lines[1:]]), encoding="utf-8")
    assert verify_journal.main([str(tmp_path / "journal.tsv")]) == 2


def test_a_journal_written_anew_is_betrayed_by_the_head_somebody_else_has(counter: Shop, tmp_path: Path) -> None:
    """A journal may be whole and still not be the one that was: so heads are kept elsewhere."""
    file = tmp_path / "journal.tsv"
    with counter.reading() as ctx:
        file.write_text("".join(journal_lines(ctx, own_chain(counter))), encoding="utf-8")

    assert verify_journal.main([str(file), "--head", "ab" * 32]) == 1


def test_a_receipts_proof_is_found_in_the_journal(
    counter: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counter.do("cash.open_drawer", opening_float=0)
    item = {"item_name": "Case", "category": "Accessories", "unit_price": 5_000, "unit_cost": 1_000, "quantity": 1}
    counter.do("sales.sell", {"items": [item], "payments": [{"method": "cash", "amount": 5_000}]})
    counter.do("products.create", CABLE)
    with counter.reading() as ctx:
        code = search_journal(ctx, JournalFilter(action="sales.sell")).rows[0].code
        lines = "".join(journal_lines(ctx, own_chain(counter)))
    (tmp_path / "journal.tsv").write_text(lines, encoding="utf-8")

    typed = f"{code[:4]}-{code[4:]}".lower().replace("0", "o")
    assert verify_journal.main([str(tmp_path / "journal.tsv"), "--code", typed]) == 0
    assert "sales.sell KLA1-000001" in capsys.readouterr().out
    assert verify_journal.main([str(tmp_path / "journal.tsv"), "--code", "0000-0000"]) == 1


@pytest.mark.parametrize("words", ["", "something else\n", "# phoneshop journal 1\n", "\ufeff# phoneshop journal 1\n"])
def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path, words: str) -> None:
    (tmp_path / "file").write_text(words, encoding="utf-8")
    assert verify_journal.main([str(tmp_path / "file")]) == 2
    assert verify_journal.main([str(tmp_path / "nowhere")]) == 2


def test_the_portal_has_the_journals_of_all_shops(request: pytest.FixtureRequest) -> None:
    world = request.getfixturevalue("world")
    node = world.enrol("KLA")
    node.do("products.create", CABLE)
    node.sync()
    ctx = world.owner()
    with ctx.home.reading() as session:
        inside = ctx.inside(session)
        chains = all_chains(inside)
        checks = [check_chain(inside, chain.head.origin_id) for chain in chains]
        named = [(row.action, row.shop) for row in search_journal(inside, JournalFilter(entity="product")).rows]

    assert {chain.head.series for chain in chains} == {"", "KLA1"}
    assert all(check.is_whole and check.chain.head.is_current for check in checks)
    assert named == [("products.create", "Shop KLA")]
