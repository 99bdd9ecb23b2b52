"""`make run`: a hub, one enrolled shop with believable days behind it, and a receipt printer made of pictures.

Every part is a real process, started and filled by the commands people type. All data is in `demo-data/`, which git
ignores; a second run takes it up where the first one left off. Remove the folder to begin anew.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from shopnode.devices.fake_printer import FakePrinter
from shopnode.documents.escpos_preview import preview_png
from shopnode.documents.escpos_reader import read_escpos

HOME = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("PHONESHOP_DEMO_DATA", HOME / "demo-data"))
STATE, HUB, SHOP, RECEIPTS, LOGS = (DATA / name for name in ("state.json", "hub", "shop", "receipts", "logs"))
FIRST_PORTS = {"hub": 8400, "shop": 8300, "printer": 9100}
BUSINESS, SHOP_NAME, SHOP_CODE = "Kisakye Phones", "Kisakye Phones Kampala Road", "KLA"
BRANCH_NAME, BRANCH_CODE = "Kisakye Phones Wandegeya", "WDG"  # has no computer yet; goods are on their way there
OWNER, OWNER_EMAIL, OWNER_PASSWORD = "Sarah Mukasa", "sarah@kisakye.example", "sarah-demo-2026"
READY_S, STOP_S = 120, 20


class DemoFailed(Exception):
    """A part did not come up; the message says which, and shows the end of its log."""


def main() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # a shell that starts us in the background has it ignored
    try:
        run()
    except KeyboardInterrupt:
        say("\nStopped.")
    except DemoFailed as failed:
        say(str(failed))
        sys.exit(1)


def run() -> None:
    """Start everything, tell where it is, and wait to be stopped."""
    state = read_state()
    for folder in (DATA, RECEIPTS, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        printer = running.enter_context(FakePrinter(state["ports"]["printer"]))
        running.enter_context(receipts_as_pictures(printer))
        say("Starting the hub with its database …")
        hub_words = ["serve", "--data", str(HUB), "--port", str(state["ports"]["hub"]), "--json"]
        hub, hub_line = running.enter_context(part("cloudhub", hub_words, "{"))
        state["hub_url"] = json.loads(hub_line)["url"]
        if not state["is_filled"]:
            fill(state)
        shop_words = ["serve", "--data", str(SHOP), "--port", str(state["ports"]["shop"])]
        shop, shop_line = running.enter_context(part("shopnode", shop_words, "The shop is open"))
        announce(state, shop_line.rpartition(" ")[2])
        while hub.poll() is None and shop.poll() is None:
            time.sleep(0.5)
        raise DemoFailed(_ended("cloudhub" if hub.poll() is not None else "shopnode"))


def fill(state: dict[str, Any]) -> None:
    """The story so far, by the commands people type: a business, its shop, ten days of trade."""
    password = DATA / "owner-password"
    password.write_text(OWNER_PASSWORD)
    password.chmod(0o600)
    say("Adding the business and its shop …")
    hub_data = ("--data", str(HUB), "--json")
    command("cloudhub", "tenant", "add", "--name", BUSINESS, "--owner-name", OWNER, "--owner-email", OWNER_EMAIL,
            "--password-file", str(password), *hub_data)  # fmt: skip
    for name, shop_code in ((SHOP_NAME, SHOP_CODE), (BRANCH_NAME, BRANCH_CODE)):
        command("cloudhub", "shop", "add", "--tenant", BUSINESS, "--name", name, "--code", shop_code, *hub_data)
    code = command("cloudhub", "enrol-code", "--shop", SHOP_CODE, *hub_data)["code"]
    shop_data = ("--data", str(SHOP), "--json")
    enrolled = command("shopnode", "enrol", "--hub", state["hub_url"], "--code", code, *shop_data)
    command("shopnode", "sync", "--once", *shop_data)  # the shop hears of its sister
    say("Ten days of trade …")
    printer = f"127.0.0.1:{state['ports']['printer']}"
    made = command("shopnode", "demo", "--days", "10", "--sales", "160", "--printer", printer, *shop_data)
    command("shopnode", "sync", "--once", *shop_data)
    state |= {"is_filled": True, "logins": made["logins"], "recovery_key": enrolled["recovery_key"]}
    STATE.write_text(json.dumps(state, indent=1))


def read_state() -> dict[str, Any]:
    """What an earlier run left. One that was cut off before it was filled begins anew."""
    if STATE.exists():
        state: dict[str, Any] = json.loads(STATE.read_text())
        for name, port in state["ports"].items():
            if not is_free(port):
                raise DemoFailed(f"Port {port} of the {name} is taken. Is the demo running already?")
        return state
    for folder in (HUB, SHOP, SHOP.with_name(SHOP.name + ".keys")):
        shutil.rmtree(folder, ignore_errors=True)
    return {"is_filled": False, "ports": {name: _free_from(first) for name, first in FIRST_PORTS.items()}}


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_from(first: int) -> int:
    return next(port for port in range(first, first + 200) if is_free(port))


def command(program: str, *words: str) -> dict[str, Any]:
    """Run one command to its end and read its answer."""
    done = subprocess.run([*program_of(program), *words], capture_output=True, text=True, env=plain_environment())
    if done.returncode != 0:
        raise DemoFailed(f"{program} {words[0]} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@contextmanager
def part(program: str, words: list[str], ready: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs until the end; given once it has said the line that begins with `ready`."""
    with (LOGS / f"{program}.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*program_of(program), *words], stdout=subprocess.PIPE, stderr=log, text=True, env=plain_environment(),
            start_new_session=True,  # Ctrl-C comes to us; we stop the parts in their order
        )  # fmt: skip
    try:
        yield process, _wait_for(process, program, ready)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(process: subprocess.Popen[str], program: str, ready: str) -> str:
    assert process.stdout is not None
    late = threading.Timer(READY_S, process.kill)
    late.start()
    try:
        for line in process.stdout:
            if line.startswith(ready):
                return line.strip()
    finally:
        late.cancel()
    raise DemoFailed(_ended(program))


def _ended(program: str) -> str:
    log = LOGS / f"{program}.log"
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    return f"{program} has ended. The end of {log}:\n{tail}"


def program_of(name: str) -> list[str]:
    return [sys.executable, "-c", f"from {name}.cli import main; main(prog_name={name!r})"]


def plain_environment() -> Mapping[str, str]:
    """Ours, without settings that were meant for another hub or shop."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SHOPNODE_", "CLOUDHUB_"))}


@contextmanager
def receipts_as_pictures(printer: FakePrinter) -> Iterator[None]:
    """Write each receipt, once it is whole, as a PNG into `demo-data/receipts`."""
    stop = threading.Event()

    def watch() -> None:
        written = 0
        while not stop.wait(0.5):
            jobs = list(printer.jobs)
            # The last job may still be coming; it is whole when it has stopped growing.
            stop.wait(0.5)
            while written < len(jobs) and len(printer.jobs[written]) == len(jobs[written]):
                if read_escpos(jobs[written], printer.format).printed:
                    number = sum(1 for _ in RECEIPTS.glob("*.png")) + 1
                    (RECEIPTS / f"{number:04d}.png").write_bytes(preview_png(jobs[written], printer.format, 2))
                written += 1

    thread = threading.Thread(target=watch, name="receipts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)


def announce(state: Mapping[str, Any], counter: str) -> None:
    """Where everything is and who may sign in."""
    lines = ["", f"Owner's portal   {state['hub_url']}/", f"                 {OWNER_EMAIL}   password {OWNER_PASSWORD}"]
    lines += ["", f"Counter          {counter}/"]
    for login in state["logins"]:
        name = login["phone"] or OWNER_EMAIL
        password = login.get("password", OWNER_PASSWORD)
        lines.append(
            f"  {login['role']:<11}    {name:<24} password {password:<18} PIN {login['pin']}   {login['name']}"
        )
    lines += ["", f"Receipts         {RECEIPTS} (each as a picture)", f"Logs             {LOGS} and {SHOP / 'logs'}"]
    say("\n".join([*lines, "", "Sell something at the counter and watch it arrive in the portal. Ctrl-C stops all."]))


def say(words: str) -> None:
    print(words, flush=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
