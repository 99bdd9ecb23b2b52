"""Make a fresh checkout ready to run and test; called by `make`, never imported.

Steps: Python environment, front-end packages, built assets, and with `--browser` a Chromium.
Each finished step leaves a stamp made from its inputs, so a second run takes a moment and
changes nothing. Runs on the system's Python with the standard library alone.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
VENV = HOME / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
NODE_MODULES = HOME / "node_modules"
BUILT_ASSETS = HOME / "shopnode" / "web" / "ui" / "static" / "dist"
NODE_NEEDED = 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class CannotSetUp(Exception):
    """Something only the machine's keeper can mend; the text says what to do."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--browser", action="store_true", help="also see to a Chromium for the browser tests")
    wanted = options.parse_args()
    with open(__file__) as here:
        fcntl.flock(here, fcntl.LOCK_EX)  # two people, one checkout: the second waits, then finds all done
        try:
            set_up_python()
            set_up_packages()
            build_assets()
            if wanted.browser:
                set_up_browser()
        except CannotSetUp as reason:
            sys.exit(f"setup: {reason}")
        except subprocess.CalledProcessError as failure:
            sys.exit(f"setup: this failed: {' '.join(map(str, failure.cmd))}")


def set_up_python() -> None:
    """Keep .venv at the locked requirements, with the project itself installed editable."""
    if not VENV_PYTHON.exists():
        if importlib.util.find_spec("ensurepip") is None:
            apt_install("python3-venv", because="Python's venv module is incomplete here")
        say("creating the Python environment in .venv")
        run(sys.executable, "-m", "venv", VENV)
    requirements = HOME / "requirements" / "dev.txt"
    with Stamp(VENV / ".requirements", [requirements]) as stamp:
        if stamp.is_stale:
            say("installing Python packages (a minute or two the first time)")
            # -qq: hosts that configure several package sources print a warning for each package
            run(VENV_PYTHON, "-m", "pip", "install", "-qq", "--require-hashes", "-r", requirements)
    with Stamp(VENV / ".project", [HOME / "pyproject.toml", requirements]) as stamp:
        if stamp.is_stale:
            say("installing the project itself, editable")
            run(VENV_PYTHON, "-m", "pip", "install", "-qq", "--no-deps", "--no-build-isolation", "--editable", HOME)


def set_up_packages() -> None:
    """Keep node_modules at package-lock.json."""
    need_node()
    with Stamp(NODE_MODULES / ".installed", [HOME / "package.json", HOME / "package-lock.json"]) as stamp:
        if stamp.is_stale:
            say("installing front-end packages")
            run("npm", "ci", "--loglevel=error")


def build_assets() -> None:
    """Build scripts, style sheets and icons when one of their sources changed."""
    sources = [*files_below(HOME / "shopnode" / "web" / "ui" / "assets"), *files_below(HOME / "frontend")]
    with Stamp(BUILT_ASSETS / ".built", [*sources, HOME / "package-lock.json"]) as stamp:
        if stamp.is_stale:
            say("building the front end")
            run("npm", "run", "--silent", "build")


def set_up_browser() -> None:
    """Find a Chromium for the browser tests, or install Debian's."""
    if not any(map(shutil.which, [os.environ.get("CHROMIUM", ""), *BROWSERS])):
        apt_install("chromium", because="the browser tests need Chromium (or CHROMIUM=/path/to/it)")


def need_node() -> None:
    if shutil.which("node") is None:
        raise CannotSetUp(f"Node is missing: install Node {NODE_NEEDED} or newer with npm.")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_NEEDED:
        raise CannotSetUp(f"Node {version} is too old: install Node {NODE_NEEDED} or newer with npm.")
    if shutil.which("npm") is None:
        apt_install("npm", because="npm is missing")


def apt_install(package: str, *, because: str) -> None:
    """Install one Debian package if we may; else say what to install."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotSetUp(f"{because}: install the package {package}.")
    say(f"{because}: installing Debian's {package}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=quiet)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", package, env=quiet)


class Stamp:
    """Remembers the inputs of a finished step in one file; written only if the step did not fail."""

    def __init__(self, file: Path, inputs: Iterable[Path]) -> None:
        self.file = file
        self.digest = digest_of(inputs)
        self.is_stale = not file.exists() or file.read_text() != self.digest

    def __enter__(self) -> "Stamp":
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        if failure is None and self.is_stale:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(self.digest)


def digest_of(inputs: Iterable[Path]) -> str:
    """One hash over names and contents, and over the Python that does the work."""
    total = hashlib.sha256(sys.version.encode())
    for file in sorted(inputs):
        content = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "absent"
        total.update(f"{file.relative_to(HOME)} {content}\n".encode())
    return total.hexdigest()


def files_below(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def run(*command: object, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(word) for word in command], check=True, cwd=HOME, env={**os.environ, **(env or {})})


def say(words: str) -> None:
    print(f"setup: {words}", flush=True)


if __name__ == "__main__":
    main()
