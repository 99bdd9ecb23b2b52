"""Jobs: what this home does by itself, and how it went last."""

from __future__ import annotations

from flask import g

from shopnode.domain.jobs import daily
from shopnode.domain.jobs.queries import list_jobs
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.frame import page

assert daily  # it registers the jobs


@bp.get("/jobs")
def jobs() -> str:
    """Every job, and its last run."""
    return page("office/jobs.html", rows=list_jobs(g.ctx), crumbs=[("Jobs", None)])
