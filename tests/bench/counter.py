"""What a tablet fetches to open the counter: scripts and styles as they are sent, from the build's manifest."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.report import Figure

DIST = Path(__file__).resolve().parents[2] / "shopnode/web/ui/static/dist"
KB_MAX = 75


def counter_page(dist: Path = DIST) -> Figure:
    """The gzipped twins of every script and style sheet, with the parts that scripts share."""
    names = set(json.loads((dist / "manifest.json").read_text()).values())
    names |= {file.name for file in dist.glob("part-*.js")}
    files = [dist / f"{name}.gz" for name in sorted(names) if name.endswith((".js", ".css"))]
    weight_kb = sum(file.stat().st_size for file in files) / 1024
    detail = ", ".join(f"{file.name.split('-')[0]} {file.stat().st_size / 1024:.1f}" for file in files)
    return Figure(
        "counter page, gzipped JS and CSS", f"{weight_kb:.1f} KB", f"at most {KB_MAX} KB", weight_kb <= KB_MAX, detail
    )
