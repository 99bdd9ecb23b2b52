"""Write requirements/*.txt: exact versions with hashes for every platform; called by `make lock`.

The files name no registry and no path, so the same lock serves the public registry and a mirror.
`dev.txt` holds all of `runtime.txt` at the same versions. With package names as arguments only
those are renewed; without, everything is.
"""

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
PYTHON_OLDEST = "3.11"


def main() -> None:
    renew = [word for name in sys.argv[1:] for word in ("--upgrade-package", name)] or ["--upgrade"]
    lock("runtime", *renew)
    lock("dev", "--group", "dev", "--constraint", "requirements/runtime.txt", *renew)
    subprocess.run(["npm", "install", "--package-lock-only", "--loglevel=error"], check=True, cwd=HOME)


def lock(name: str, *options: str) -> None:
    uv = str(Path(sys.executable).parent / "uv")
    command = [uv, "pip", "compile", "pyproject.toml", *options]
    command += ["--universal", "--python-version", PYTHON_OLDEST, "--generate-hashes"]
    command += ["--no-emit-find-links", "--no-emit-index-url", "--no-header", "--quiet"]
    subprocess.run([*command, "--output-file", f"requirements/{name}.txt"], check=True, cwd=HOME)


if __name__ == "__main__":
    main()
