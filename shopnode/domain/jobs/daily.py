"""What every home does by itself. Whoever has another job adds it here."""

from __future__ import annotations

from shopnode.domain.actions import perform
from shopnode.domain.errors import Conflict
from shopnode.domain.expenses.planning import due_now
from shopnode.domain.homes import Where
from shopnode.domain.jobs.registry import HOUR, MINUTE, Work, job
from shopnode.domain.notices import watchers  # noqa: F401 — they register themselves
from shopnode.domain.notices.outbox import PROVIDERS, send_due
from shopnode.domain.notices.queries import forget_old
from shopnode.domain.notices.watching import look
from shopnode.domain.repairs.unclaimed import take_steps
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.queries import stock_differences
from shopnode.domain.usedphones.identities import expired_identities


class FoundWrong(Conflict):
    """A check did its work, and what it looked at is not as it should be."""

    code = "found-wrong"


@job("notices", "Looks for what people should know", every_s=MINUTE // 2)
def look_for_notices(work: Work) -> int:
    """Low stock, approvals, forgotten drawers and the rest: see notices/kinds.py."""
    looked = look(work.home, sends=work.sends, troubles=work.troubles)
    if looked.failed:
        raise FoundWrong(f"It could not be looked for: {', '.join(looked.failed)}.")
    return looked.told + looked.over


@job("messages", "Sends messages that wait", every_s=MINUTE)
def send_messages(work: Work) -> int:
    """Hand messages to their providers, where this home sends."""
    return send_due(work.home, PROVIDERS) if work.sends else 0


@job("recurring", "Asks for expenses that come again", every_s=HOUR, where=Where.SHOP)
def raise_recurring_expenses(work: Work) -> int:
    """Rent, internet, a guard: each once in its month."""
    with work.home.reading() as session:
        due = len(due_now(work.ctx.inside(session)))
    return len(perform(work.ctx, "expenses.raise_recurring", {}).result["numbers"]) if due else 0


@job("unclaimed", "Reminds of repairs that nobody fetches", where=Where.SHOP)
def remind_of_unclaimed(work: Work) -> int:
    """Reminders, storage fees, final notices on their days (rule 74)."""
    return take_steps(work.ctx)


@job("identities", "Forgets who sold phones long ago", where=Where.SHOP)
def forget_identities(work: Work) -> int:
    """Identities whose time is over are erased (rule 13)."""
    with work.home.reading() as session:
        over = expired_identities(session, work.ctx.now)
    return int(perform(work.ctx, "usedphones.erase_expired", {}).result["erased"]) if over else 0


@job("stock", "Compares stock with its movements", where=Where.SHOP)
def check_stock(work: Work) -> int:
    """Levels must be the sum of their movements."""
    with work.home.reading() as session:
        differences = stock_differences(session)
    if differences:
        raise FoundWrong(f"{len(differences)} products are not what their movements say: run the doctor.")
    return 0


@job("forget", "Forgets old notices and messages")
def forget_notices(work: Work) -> int:
    """Notices are no records: what happened stands in the journal."""
    with work.home.reading() as session:
        days = number_setting(session, "notice_keep_days")
    return forget_old(work.home, days)
