"""Every command: what it does, what it refuses, and the words and codes of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shopnode.domain.actions import ACTIONS
from shopnode.domain.demo import CATALOGUE
from tests.node.conftest import DEMO, NEW_SHOP, PASSWORD, ShopOnDisk, copy_shop, run_cli

DELIVERY = CATALOGUE.with_name("supplier-delivery.csv")
INIT = ("init", "--standalone", "--business", "Test Phones", "--shop-code", "tst", "--owner-name", "Sarah",
        "--owner-phone", "0798100200")  # fmt: skip


def password_file(tmp_path: Path, password: str = PASSWORD) -> str:
    path = tmp_path / "password"
    path.write_text(password + "\n")
    return str(path)


# init


def test_init_makes_a_shop_and_shows_the_recovery_key_once(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    made = run_cli(*INIT, "--data", str(shop), "--password-file", password_file(tmp_path), "--json")
    document = json.loads(made.stdout)
    assert made.exit_code == 0
    assert document["data"] == str(shop)
    again = ShopOnDisk(shop, document["recovery_key"])
    assert again.document("status")["series"] == "TST1"
    assert again.document("doctor")["ok"]
    assert again.read("SELECT name FROM shop") == "Test Phones"


def test_init_asks_for_the_password_twice_and_shows_none(tmp_path: Path) -> None:
    made = run_cli(*INIT, "--data", str(tmp_path / "shop"), stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0
    assert "Recovery key, shown this once" in made.stdout
    assert PASSWORD not in made.output


@pytest.mark.parametrize(
    ("more", "words"),
    [(("--owner-phone", "12"), "telephone"), (("--shop-code", "K L"), "letters and digits"),
     (("--timezone", "Mars/Base"), "time zone"), (("--vat-rate-bp", "99999"), "at most")],
)  # fmt: skip
def test_init_names_what_is_wrong_and_leaves_nothing(tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    refused = run_cli(*INIT, *more, "--data", str(tmp_path / "shop"), "--password-file", password_file(tmp_path))
    assert refused.exit_code == 1
    assert words in refused.stderr
    assert not (tmp_path / "shop").exists()
    assert not (tmp_path / "shop.keys").exists()


def test_init_refuses_a_short_password_without_showing_it(tmp_path: Path) -> None:
    file = password_file(tmp_path, "s3cr3t")
    refused = run_cli(*INIT, "--data", str(tmp_path / "shop"), "--password-file", file, "--json")
    assert refused.exit_code == 1
    assert "password" in json.loads(refused.stdout)["error"]["fields"]
    assert "s3cr3t" not in refused.output


def test_init_without_standalone_or_twice_is_refused(new_shop: ShopOnDisk, tmp_path: Path) -> None:
    words = [word for word in INIT if word != "--standalone"]
    assert run_cli(*words, "--data", str(tmp_path / "other")).exit_code == 2
    twice = run_cli(*INIT, "--data", str(new_shop.path), "--password-file", password_file(tmp_path))
    assert twice.exit_code == 1
    assert "holds a shop already" in twice.stderr


# import


def test_the_catalogue_imports_whole_and_twice_changes_nothing(new_shop: ShopOnDisk) -> None:
    assert new_shop.document("import", "products", str(CATALOGUE), "--dry-run")["counts"] == {"new": 153}
    assert new_shop.read("SELECT count(*) FROM product") == 0
    first = new_shop.document("import", "products", str(CATALOGUE))
    assert first["counts"] == {"new": 153}
    entries = new_shop.read("SELECT count(*) FROM journal_entry")
    assert new_shop.document("import", "products", str(CATALOGUE))["counts"] == {"unchanged": 153}
    assert new_shop.read("SELECT count(*) FROM journal_entry") == entries


def test_a_delivery_takes_what_is_right_and_explains_the_rest(new_shop: ShopOnDisk) -> None:
    new_shop.document("import", "products", str(CATALOGUE))
    first = new_shop.document("import", "handsets", str(DELIVERY), code=3)
    assert first["counts"] == {"new": 106, "wrong": 14, "skipped": 2}
    assert all(line["says"] for line in first["lines"] if line["verdict"] == "wrong")
    second = new_shop.document("import", "handsets", str(DELIVERY), code=3)
    assert second["counts"] == {"unchanged": 106, "wrong": 14, "skipped": 2}
    told = new_shop.run("import", "handsets", str(DELIVERY))
    assert told.exit_code == 3
    assert "Line 9: Tecno Pop 9 3/64: IMEI 1" in told.stdout
    assert "Done: 106 unchanged, 14 wrong, 2 skipped." in told.stdout
    assert new_shop.document("doctor")["ok"]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"colour;size\nred;1\n", "näme\n".encode("utf-16")])
def test_what_is_no_table_is_refused_whole(new_shop: ShopOnDisk, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.csv").write_bytes(content)
    refused = new_shop.run("import", "products", str(tmp_path / "file.csv"), "--json")
    assert refused.exit_code == 1
    assert "file" in json.loads(refused.stdout)["error"]["fields"]


def test_a_file_that_is_not_there_is_a_mistyped_command(new_shop: ShopOnDisk) -> None:
    assert new_shop.run("import", "products", "/nowhere.csv").exit_code == 2


# sync, enrol, status


def test_a_shop_on_its_own_has_nobody_to_sync_with(new_shop: ShopOnDisk) -> None:
    assert new_shop.document("sync")["state"] == "not-enrolled"
    refused = new_shop.document("sync", "--once", code=1)
    assert refused["error"]["code"] == "not-enrolled"
    assert "shopnode enrol" in refused["error"]["message"]


def test_a_hub_that_does_not_answer_is_said_in_words(new_shop: ShopOnDisk, tmp_path: Path) -> None:
    words = ("enrol", "--hub", "http://127.0.0.1:9", "--code", "AAAA-BBBB")
    assert new_shop.document(*words, code=1)["error"]["code"] == "hub-away"
    fresh = tmp_path / "fresh"
    assert run_cli(*words, "--data", str(fresh)).exit_code == 1
    assert not fresh.exists()
    assert new_shop.document("doctor")["ok"]


@pytest.mark.parametrize("hub", ["ftp://hub.example.com", "hub.example.com", "http://hub.example.com", "https://h/x?y"])
def test_a_hub_is_reached_by_https_only(new_shop: ShopOnDisk, hub: str) -> None:
    refused = new_shop.document("enrol", "--hub", hub, "--code", "AAAA", code=1)
    assert "must be" in refused["error"]["message"]


def test_status_of_a_closed_shop(shop: ShopOnDisk) -> None:
    told = shop.document("status")
    assert (told["running"], told["address"], told["troubles"]) == (False, None, [])
    assert shop.run("status").stdout.startswith("Closed\n")


# demo


def test_the_demo_tells_who_may_sign_in_and_fills_no_shop_that_traded(shop: ShopOnDisk) -> None:
    assert shop.read("SELECT count(*) FROM drawer_session WHERE closed_at IS NULL") == 1
    assert shop.read("SELECT count(*) FROM sale_decision WHERE kind = 'void'") == 1
    refused = shop.document("demo", code=1)
    assert refused["error"]["code"] == "shop-has-traded"


def test_a_printer_that_cannot_be_is_refused_before_anything_is_filled(new_shop: ShopOnDisk) -> None:
    refused = new_shop.document("demo", "--printer", "no such place!", code=1)
    assert "printer" in refused["error"]["fields"]
    assert new_shop.read("SELECT count(*) FROM product") == 0


def test_the_same_seed_tells_the_same_story(founded: ShopOnDisk, traded: ShopOnDisk, tmp_path: Path) -> None:
    again = copy_shop(founded, tmp_path / "shop")
    made = again.document("demo", *DEMO)
    assert [login["pin"] for login in made["logins"]] == ["4827", "7394", "2816", "9053"]
    for query in (
        "SELECT group_concat(imei1) FROM (SELECT imei1 FROM handset ORDER BY imei1)",
        "SELECT sum(total_minor) FROM sale_summary",
        "SELECT group_concat(reference) FROM (SELECT reference FROM payment ORDER BY reference)",
    ):
        assert again.read(query) == traded.read(query)


# recover, actions, settings


def test_recover_by_file_and_by_hand(new_shop: ShopOnDisk, tmp_path: Path) -> None:
    new_shop.keyring.path.unlink()
    (tmp_path / "paper").write_text(new_shop.recovery_key.lower())
    assert new_shop.run("recover", "--recovery-key-file", str(tmp_path / "paper")).exit_code == 0
    new_shop.keyring.path.unlink()
    typed = new_shop.run("recover", stdin=new_shop.recovery_key + "\n")
    assert typed.exit_code == 0
    assert new_shop.recovery_key not in typed.output
    assert new_shop.document("doctor")["ok"]


def test_recover_with_a_typing_mistake_changes_nothing(new_shop: ShopOnDisk) -> None:
    new_shop.keyring.path.unlink()
    refused = new_shop.run("recover", stdin="ABCD-EFGH\n")
    assert refused.exit_code == 1
    assert "56 letters and digits" in refused.stderr
    assert not new_shop.keyring.path.exists()


@pytest.mark.parametrize("name", ["actions", "settings"])
def test_the_lists_in_the_docs_are_the_real_ones(name: str) -> None:
    docs = Path(__file__).parents[2] / "docs" / f"{name}.md"
    assert run_cli(name, "--markdown").stdout == docs.read_text(encoding="utf-8"), (
        f"run: shopnode {name} --markdown > docs/{name}.md"
    )


def test_every_action_is_listed_with_permission_and_place() -> None:
    listed = run_cli("actions").stdout.splitlines()
    assert len(listed) == sum(act.run.__module__.startswith("shopnode.") for act in ACTIONS.values())
    assert any(line.split()[:3] == ["sales.sell", "sales:create", "SHOP"] for line in listed)


def test_a_wrong_setting_is_refused_by_name(new_shop: ShopOnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPNODE_PROT", "8300")
    refused = new_shop.run("status")
    assert refused.exit_code == 1
    assert "SHOPNODE_PROT" in refused.stderr


def test_the_key_folder_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPNODE_KEY_DIR", str(tmp_path / "safe"))
    made = run_cli(*INIT, "--data", str(tmp_path / "shop"), "--password-file", password_file(tmp_path))
    assert made.exit_code == 0
    assert (tmp_path / "safe" / "database.key").exists()
    assert not (tmp_path / "shop.keys").exists()


@pytest.mark.parametrize("name", ["init", "enrol", "recover", "serve", "sync", "status", "import", "doctor", "demo",
                                  "actions", "settings"])  # fmt: skip
def test_every_command_explains_itself(name: str) -> None:
    told = run_cli(name, "--help")
    assert told.exit_code == 0
    assert "Usage:" in told.stdout


def test_no_secret_can_be_typed_on_the_command_line() -> None:
    for name in ("init", "recover", "enrol"):
        assert "--password " not in run_cli(name, "--help").stdout
    assert NEW_SHOP.owner_password not in run_cli("init", "--help").stdout
