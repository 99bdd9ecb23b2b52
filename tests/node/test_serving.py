"""A shop that is really open, as a process: commands through it, signals, the plug pulled, what lies on its disk."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shopnode.config import Settings
from shopnode.domain.demo import CATALOGUE
from shopnode.domain.demo_cast import STAFF
from shopnode.machine.control import CommandRefused, ControlServer, NoAnswer, ask_running
from shopnode.machine.runtime import Node
from tests.node.conftest import PASSWORD, Served, ShopOnDisk, run_cli
from tests.node.test_commands import DELIVERY

Serve = Callable[..., Served]
CASHIER = STAFF[1]
CUSTOMER = "Nantongo Zawedde Immaculate"


def sign_in(served: Served) -> dict[str, str]:
    status, tokens = served.post("/api/auth/login", {"phone": CASHIER.phone, "password": CASHIER.password})
    assert status == 200, tokens
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def sell(served: Served, headers: dict[str, str], key: str, **more: object) -> tuple[int, dict[str, object]]:
    fitting = {"item_name": "Screen protector fitting", "unit_price": 5_000, "category": "Services", "unit_cost": 0}
    sale = {
        "items": [fitting],
        "payments": [{"method": "cash", "amount": 5_000}], **more,
    }  # fmt: skip
    return served.post("/api/sales", sale, {**headers, "Idempotency-Key": key})


def test_the_counter_answers_in_200_mib(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop, fresh=True)
    assert served.get("/login")[0] == 200
    assert served.memory_mib() < 200
    assert served.stop() == 0


def test_commands_go_through_the_open_shop(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    told = shop.document("status")
    assert (told["running"], told["address"]) == (True, served.address)
    assert shop.document("doctor")["ok"]
    assert shop.document("import", "products", str(CATALOGUE))["counts"] == {"unchanged": 153}
    assert shop.document("import", "handsets", str(DELIVERY), code=3)["counts"]["new"] == 106
    assert shop.document("sync", "--once", code=1)["error"]["code"] == "not-enrolled"
    assert shop.document("demo", code=1)["error"]["code"] == "shop-has-traded"
    (shop.path.parent / "bad.csv").write_text("nothing\n")
    refused = shop.document("import", "products", str(shop.path.parent / "bad.csv"), code=1)
    assert "file" in refused["error"]["fields"]
    assert served.stop() == 0
    assert shop.document("doctor")["ok"]


def test_selling_goes_on_while_commands_run(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    headers = sign_in(served)
    statuses: list[int] = []

    def cashier() -> None:
        for number in range(15):
            statuses.append(sell(served, headers, f"while-{number}")[0])

    thread = threading.Thread(target=cashier)
    thread.start()
    while thread.is_alive():
        assert shop.document("doctor")["ok"]
    thread.join()
    assert statuses == [201] * 15


def test_a_second_shop_on_the_same_folder_is_refused_in_words(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    refused = run_cli("serve", "--data", str(shop.path), "--port", "0")
    assert refused.exit_code == 1
    assert f"already open by process {served.process.pid}" in refused.stderr


def test_every_sale_that_was_confirmed_survives_a_pulled_plug(shop: ShopOnDisk, serve: Serve) -> None:
    """Killed with a sale in hand, three times over; the tablet's retry gives the same sale."""
    confirmed: dict[str, str] = {}
    for round_no in range(3):
        served = serve(shop)
        headers = sign_in(served)
        timer = threading.Timer(0.25 + 0.13 * round_no, served.process.kill)
        timer.start()
        number = 0
        try:
            while True:
                key = f"sale-{round_no}-{number}"
                status, answer = sell(served, headers, key)
                if status != 201:
                    break
                confirmed[key] = str(answer["id"])
                number += 1
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            pass
        served.process.wait(15)
    assert len(confirmed) > 3
    served = serve(shop)
    headers = sign_in(served)
    for key, sale_id in confirmed.items():
        status, answer = sell(served, headers, key)
        assert (status in (200, 201), answer["id"]) == (True, sale_id)
    assert served.stop() == 0
    assert shop.document("doctor")["ok"]
    fittings = shop.read("SELECT count(*) FROM sale_line WHERE item_name = 'Screen protector fitting'")
    assert len(confirmed) <= fittings <= len(confirmed) + 3  # one in hand at each kill may have been committed
    drawer = shop.read("SELECT sum(amount_minor) FROM payment WHERE sale_id IN "
                       "(SELECT sale_id FROM sale_line WHERE item_name = 'Screen protector fitting')")  # fmt: skip
    assert drawer == fittings * 5_000


def test_nothing_in_the_data_folder_can_be_read(shop: ShopOnDisk, serve: Serve, tmp_path: Path) -> None:
    """Database, its log, our log and temporary files, while the shop is open and after it was killed."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    served = serve(shop, env={"TMPDIR": str(temporary)})
    headers = sign_in(served)
    status, customer = served.post(
        "/api/customers", {"name": CUSTOMER, "phone": "0798555123"}, {**headers, "Idempotency-Key": "customer"}
    )
    assert status == 201, customer
    assert sell(served, headers, "named", customer_id=customer["id"], notes=f"for {CUSTOMER}")[0] == 201
    served.post("/api/auth/login", {"phone": CASHIER.phone, "password": "a wrong secret word"})
    served.get(f"/sales?q={CUSTOMER.split()[0]}")
    served.post("/api/sales", {"notes": CUSTOMER, "padding": "x" * 1_000_000}, headers)
    secrets = (CUSTOMER, CUSTOMER.split()[1], "+256798555123", "0798555123", CASHIER.password, PASSWORD, CASHIER.name,
               "a wrong secret word", headers["Authorization"].split()[1], "$argon2id$")  # fmt: skip
    for _ in ("open", "killed"):
        files = [path for root in (shop.path, temporary) for path in root.rglob("*") if path.is_file()]
        assert {"shop.db", "shop.db-wal", "node.log"} <= {path.name for path in files}
        for path in files:
            content = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, f"{secret} stands in {path.name}"
                assert secret.encode("utf-16-le") not in content
        if served.process.poll() is None:
            served.kill()


def test_the_log_is_lines_of_json(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    served.get("/login?next=/secret-question")
    assert served.stop() == 0
    lines = [json.loads(line) for line in (shop.folder.logs / "node.log").read_text().splitlines()]
    assert [line["event"] for line in lines if line["from"] == "shopnode.node"] == ["started", "stopped"]
    request = next(line for line in lines if line["from"] == "shopnode.requests")
    assert (request["path"], request["status"]) == ("/login", 200)
    assert "secret-question" not in json.dumps(lines)


def test_the_network_is_let_in_only_by_name(shop: ShopOnDisk) -> None:
    refused = run_cli("serve", "--data", str(shop.path), "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 1
    assert "--no-tls" in refused.stderr


def test_with_no_tls_it_listens_to_the_network(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop, "--host", "0.0.0.0", "--no-tls")
    assert served.get("/login")[0] == 200
    assert served.stop() == 0


def test_a_taken_port_is_said_in_words(shop: ShopOnDisk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run_cli("serve", "--data", str(shop.path), "--port", str(port))
    assert refused.exit_code == 1
    assert f"Port {port}" in refused.stderr
    assert "--port" in refused.stderr


def test_an_answer_does_not_name_the_server(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    host, port = served.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = raw.makefile("rb").read().partition(b"\r\n\r\n")[0].lower()
    assert b"server:" not in head
    assert b"waitress" not in head


def test_a_body_bomb_is_refused_before_it_is_read(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    before = served.memory_mib()
    host, port = served.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(f"POST /api/sales HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert b" 413 " in raw.makefile("rb").readline()
    assert served.memory_mib() - before < 20


def test_a_command_to_a_shop_that_is_killed_meanwhile_is_said_in_words(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop, env={"SHOPNODE_FAILPOINTS": "perform.journalled=kill@7"})
    cut = shop.document("import", "handsets", str(DELIVERY), code=1)
    assert cut["error"]["code"] == "cut-off"
    served.process.wait(15)
    assert shop.document("doctor")["ok"]


def test_ctrl_c_of_a_command_leaves_the_shop_open(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    command = subprocess.Popen([sys.executable, "-m", "shopnode", "import", "handsets", str(DELIVERY), "--data",
                                str(shop.path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    time.sleep(0.6)
    command.kill()
    command.wait(15)
    assert shop.document("doctor")["ok"]
    assert served.get("/login")[0] == 200


# The socket itself.


@pytest.mark.parametrize("unix", [True, False])
def test_the_socket_answers_its_owner(node: Node, unix: bool) -> None:
    server = ControlServer(node, unix=unix)
    server.start()
    assert node.folder.socket.stat().st_mode & 0o077 == 0
    told: list[tuple[int, int | None, str]] = []
    found = ask_running(node.folder, "doctor", {}, lambda *step: told.append(step))
    assert found["ok"]
    assert len(told) > 5
    with pytest.raises(CommandRefused) as refusal:
        ask_running(node.folder, "no such", {}, lambda *step: None)
    assert refusal.value.code == "not-found"
    with pytest.raises(CommandRefused) as refusal:
        ask_running(node.folder, "demo", {"seed": -1, "x": 1}, lambda *step: None)
    assert set(refusal.value.details["fields"]) == {"seed", "x"}  # type: ignore[call-overload]
    server.stop()
    with pytest.raises(NoAnswer):
        ask_running(node.folder, "status", {}, lambda *step: None)


def test_without_the_token_the_loopback_port_says_nothing(node: Node) -> None:
    server = ControlServer(node, unix=False)
    server.start()
    where = json.loads(node.folder.socket.read_bytes())
    with socket.create_connection(("127.0.0.1", where["port"]), timeout=5) as raw:
        raw.sendall(b"wrong\n" + b'{"command":"status","args":{}}\n')
        with pytest.raises(OSError) if os.name == "nt" else _nothing():
            assert raw.recv(100) == b""
    server.stop()


def _nothing():  # type: ignore[no-untyped-def]
    from contextlib import suppress

    return suppress(ConnectionResetError)


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{}\n", b"not json\n", b'{"command":1,"args":7}\n'])
def test_nonsense_on_the_socket_is_refused(node: Node, line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ControlServer(node)
    server.start()
    monkeypatch.chdir(node.folder.socket.parent)  # its whole path may be longer than a socket's address
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(node.folder.socket.name)
        raw.sendall(line)
        answer = json.loads(raw.makefile("rb").readline())
    assert answer["error"]["code"] in ("invalid", "not-found")
    server.stop()


def test_a_folder_may_be_deep(founded: ShopOnDisk, tmp_path: Path) -> None:
    from tests.node.conftest import copy_shop

    deep = tmp_path / ("d" * 80) / ("e" * 80)
    deep.mkdir(parents=True)
    shop = copy_shop(founded, deep / "shop")
    with Node.open(shop.path, Settings()) as node:
        node.start()
        assert shop.document("status")["running"]


def test_a_shop_waits_for_a_command_that_has_the_folder(shop: ShopOnDisk, serve: Serve) -> None:
    """A service that starts while somebody examines the books must not fail for it."""
    command = Node.open(shop.path)
    threading.Timer(1.5, command.stop).start()
    assert serve(shop).get("/login")[0] == 200


def test_a_tablet_that_stays_connected_does_not_hold_the_closing_up(shop: ShopOnDisk, serve: Serve) -> None:
    served = serve(shop)
    host, port = served.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as idle:
        idle.sendall(f"GET /login HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert idle.recv(12) == b"HTTP/1.1 200"
        began = time.monotonic()
        assert served.stop() == 0
    assert time.monotonic() - began < 10
    assert [path.name for path in shop.path.glob("shop.db*")] == ["shop.db"]
