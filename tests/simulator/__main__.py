"""Run ranges of seeds: `python -m tests.simulator --seeds 0-199 --steps 300`.

With --record every run is a line of a file; with --resume the seeds that are in the file already are passed over.
Ends with 1 when a seed failed. The same seed gives the same run only under PYTHONHASHSEED=0, which is seen to.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from tests.shared_work import share
from tests.simulator.bugs import BUGS
from tests.simulator.figures import figures
from tests.simulator.ground import Ground, standing_ground
from tests.simulator.hunt import hunt
from tests.simulator.run import STEPS, Outcome, run_seed


def main() -> int:
    wanted = _arguments()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulator", *sys.argv[1:]],
                  {**os.environ, "PYTHONHASHSEED": "0"})  # fmt: skip
    if wanted.figures:
        for name, figure in figures(wanted.figures):
            sys.stdout.write(f"| {name} | {figure:,} |\n")
        return 0
    first, _, last = wanted.seeds.partition("-")
    known = _recorded(wanted.resume) if wanted.resume else set()
    record = wanted.record or wanted.resume
    failed = 0
    share()
    with standing_ground() as ground:
        if wanted.hunt:
            return _hunt(ground, wanted.hunt, int(first), wanted.steps)
        for seed in range(int(first), int(last or first) + 1):
            if seed in known:
                continue
            began = time.perf_counter()
            outcome = run_seed(ground, seed, wanted.steps)
            failed += not outcome.passed
            _tell(outcome, time.perf_counter() - began, wanted.verbose)
            if record:
                _write(record, outcome)
    return 1 if failed else 0


def _hunt(ground: Ground, wanted: str, first: int, steps: int) -> int:
    missed = 0
    for bug in BUGS if wanted == "all" else wanted.split(","):
        caught = hunt(ground, bug, first, steps)
        missed += caught is None
        sys.stdout.write(f"{bug}: " + (f"after {caught.seeds}: {caught.words}" if caught else "NOT CAUGHT") + "\n")
        sys.stdout.flush()
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0-19", help="a range such as 0-199, or one seed")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--record", type=Path, help="append a line of JSON for each run")
    parser.add_argument("--resume", type=Path, help="pass over the seeds of this record, and go on with it")
    parser.add_argument("--hunt", help="plant this bug, or all of them in turn, and say how many seeds catch it")
    parser.add_argument("--figures", type=Path, nargs="+", help="add up records instead of running anything")
    parser.add_argument("--verbose", action="store_true", help="show everything that happened in each run")
    return parser.parse_args()


def _recorded(file: Path) -> set[int]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {json.loads(line)["seed"] for line in lines}


def _write(file: Path, outcome: Outcome) -> None:
    words = {
        "seed": outcome.seed, "steps": outcome.steps, "told": outcome.told, "acknowledged": outcome.acknowledged,
        "sales": outcome.sales, "lost": outcome.lost, "counts": dict(sorted(outcome.counts.items())),
        "faults": outcome.faults,
    }  # fmt: skip
    with file.open("a") as out:
        out.write(json.dumps(words) + "\n")


def _tell(outcome: Outcome, took_s: float, verbose: bool) -> None:
    verdict = "ok" if outcome.passed else "FAILED"
    sys.stdout.write(f"seed {outcome.seed}: {verdict}, {outcome.told} acts told, {took_s:.1f} s\n")
    if verbose:
        sys.stdout.write(f"  {dict(sorted(outcome.counts.items()))}\n")
    for fault in outcome.faults[: 1_000 if verbose else 8]:
        sys.stdout.write(f"  {fault}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
