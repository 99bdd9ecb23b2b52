"""X and Z on screen and paper: where the books meet the drawer's papers. Nothing is said that the report does not hold.

In the shop an X holds no sum before the drawer was counted (rule 79); a Z is read as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from shopnode.documents.drawer_papers import DrawerPaper, ReportLine, ReportPart, drawer_slip_bytes
from shopnode.documents.escpos import Paper
from shopnode.domain.cash.models import DrawerSession, MoneyKind
from shopnode.domain.cash.reading import find_z, x_report
from shopnode.domain.cash.rules import FLOATS
from shopnode.domain.context import Context
from shopnode.domain.money import exponent, format_minor
from shopnode.domain.people.queries import currency_of, names_of
from shopnode.domain.queries import find_row
from shopnode.domain.sales.models import PaymentKind, Tender
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.papers import day_text, money_title, whose
from shopnode.receipts import local_time

PLACES = {
    **{tender.value: words for tender, words in METHOD_NAMES.items()},
    "airtime_float": "Airtime float", "agent_float": "Agent float",
}  # fmt: skip
PAID_WORDS = {
    PaymentKind.REFUND: "given back", PaymentKind.REFUND_DUE: "owed back", PaymentKind.CORRECTION: "corrected",
}  # fmt: skip
COUNT_WORDS = ("Opening count", "First count", "Second count")
BLIND = "The sums are told when the drawer has been counted."


def x_paper(ctx: Context, drawer_id: str) -> DrawerPaper:
    """A session so far, which changes nothing. Raises NotFound."""
    found = x_report(ctx, drawer_id)
    drawer, at = found.drawer, whose(ctx.session, found.drawer.shop_id)
    names = _names(ctx, (drawer.cashier_id or drawer.opened_by, *(row["by_id"] for row in found.no_sales)))
    report, currency = found.report, currency_of(ctx.session)
    if report is None:
        sold = [ReportLine("Sales", count=found.sales)]
        sold += [ReportLine("of them undone since", count=found.undone)] if found.undone else []
        parts = [ReportPart("So far", tuple(sold))]
    else:
        parts = [*_taken(report), _expected(report, found.expected or {})]
    parts += _openings(found.no_sales, names, at.zone)
    return DrawerPaper(
        at.heading, "X report", "", (*_session_facts(drawer, at.zone, names), ("Read", local_time(ctx.now, at.zone))),
        tuple(parts), (BLIND,) if report is None else (), currency=currency, exponent=exponent(currency),
    )  # fmt: skip


def z_paper(ctx: Context, z_report_id: str, copy_no: int = 0) -> DrawerPaper:
    """The report that ended a session, with every figure it holds. Raises NotFound."""
    row = find_z(ctx, z_report_id)
    drawer = find_row(ctx.session, DrawerSession, row.drawer_session_id, "This drawer session")
    body: dict[str, Any] = orjson.loads(row.body)
    at, currency = whose(ctx.session, row.shop_id), currency_of(ctx.session)
    people = (row.by_id, drawer.cashier_id or drawer.opened_by, drawer.approved_by)
    names = _names(ctx, (*people, *(told["by_id"] for told in (*body["counts"], *body["no_sales"]))))
    total = (
        ReportLine("From customers", body["collected"], is_total=True),
        ReportLine("Since the first Z", row.since_inception_minor),
    )
    parts = [
        *_taken(body), _compared(body), *_floats(body), *_counts(body, names, at.zone, currency),
        *_openings(body["no_sales"], names, at.zone), ReportPart("In all", total),
    ]  # fmt: skip
    closed = (("Closed", local_time(row.at, at.zone)), ("Closed by", names.get(row.by_id or "", "")))
    sentences = []
    if not body["is_within_limit"]:
        sentences.append("The difference is beyond the shop's limit.")
    if drawer.explanation:
        accepted = names.get(drawer.approved_by or "", "")
        sentences.append(f"Explained: {drawer.explanation}" + (f" ({accepted})" if accepted else ""))
    return DrawerPaper(
        at.heading, "Z report", row.number, (*_session_facts(drawer, at.zone, names), *closed), tuple(parts),
        tuple(sentences), True, copy_no, currency, exponent(currency),
    )  # fmt: skip


def x_slip(ctx: Context, drawer_id: str, paper: Paper) -> bytes:
    """An X for the receipt printer. Raises NotFound."""
    return drawer_slip_bytes(x_paper(ctx, drawer_id), paper)


def z_slip(ctx: Context, z_report_id: str, paper: Paper, copy_no: int = 0) -> bytes:
    """A Z for the receipt printer. Raises NotFound."""
    return drawer_slip_bytes(z_paper(ctx, z_report_id, copy_no), paper)


def _session_facts(drawer: DrawerSession, zone: ZoneInfo, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return (
        ("Day", day_text(drawer.business_on)), ("Till", drawer.till or ""),
        ("Cashier", names.get(drawer.cashier_id or drawer.opened_by or "", "")),
        ("Opened", local_time(drawer.opened_at, zone)),
    )  # fmt: skip


def _taken(report: Mapping[str, Any]) -> Iterator[ReportPart]:
    """Sales, what was paid for them, and money beside sales."""
    sales = report["sales"]
    lines = [ReportLine("Sales", sales["total"], sales["count"])]
    lines += [ReportLine("Discount", sales["discount"])] if sales["discount"] else []
    lines += [ReportLine("VAT in them", sales["tax"])] if sales["tax"] else []
    lines += [ReportLine("of them undone since", count=sales["undone"])] if sales["undone"] else []
    yield ReportPart("Sales", tuple(lines))
    paid = [ReportLine(_paid(row["kind"], row["method"]), row["amount"], row["count"]) for row in report["payments"]]
    for name, taken in report["foreign"].items():
        paid.append(ReportLine(f"{name} notes taken", taken["worth"], note=format_minor(taken["amount"], name)))
    paid += [ReportLine(f"{PLACES[name]} not come yet", amount) for name, amount in report["coming"].items()]
    if paid:
        yield ReportPart("Paid for sales", tuple(paid))
    moved = [ReportLine(_moved(row), row["amount"], row["count"]) for row in report["moves"]]
    if moved:
        yield ReportPart("Beside sales", tuple(moved))


def _expected(report: Mapping[str, Any], expected: Mapping[str, Any]) -> ReportPart:
    """What must be there now: told of an X once the drawer was counted, and in the portal."""
    lines = [
        ReportLine("Float", report["opening_float"]), ReportLine("Cash, float included", expected["cash"]),
        *(ReportLine(name, amount, exponent=exponent(name)) for name, amount in expected["foreign"].items()),
        *(ReportLine(PLACES[name], amount) for name, amount in expected["others"].items() if amount),
    ]  # fmt: skip
    return ReportPart("Expected now", tuple(lines))


def _compared(body: Mapping[str, Any]) -> ReportPart:
    """What was counted beside what was expected; what nobody counted is said to be so."""
    due, counted = body["expected"], body["counted"]
    lines = [
        ReportLine("Float", body["opening_float"]),
        ReportLine("Cash, float included", counted["cash"], expected_minor=due["cash"]),
    ]
    for name in {**due["foreign"], **counted["foreign"]}:
        lines.append(_line_of(name, due["foreign"], counted["foreign"], name, exponent(name)))
    for name in {**due["others"], **counted["others"]}:
        if name not in FLOATS and (name in counted["others"] or due["others"].get(name)):
            lines.append(_line_of(PLACES[name], due["others"], counted["others"], name))
    lines.append(ReportLine("Difference in all", body["difference_in_all"], is_total=bool(body["difference_in_all"])))
    return ReportPart("Drawer and wallets", tuple(lines))


def _line_of(
    label: str, due: Mapping[str, int], counted: Mapping[str, int], name: str, places: int | None = None
) -> ReportLine:
    if name in counted:
        return ReportLine(label, counted[name], expected_minor=due.get(name, 0), exponent=places)
    return ReportLine(label, expected_minor=due.get(name, 0), note="not counted", exponent=places)


def _floats(body: Mapping[str, Any]) -> Iterator[ReportPart]:
    """What the phones of airtime and agent showed, before and after (rule 86)."""
    lines = []
    for name, told in body["floats"].items():
        for when in ("before", "after"):
            if told[when] is not None:
                lines.append(ReportLine(f"{PLACES[name]} {when}", told[when]))
    if lines:
        yield ReportPart("Floats", tuple(lines))


def _counts(
    body: Mapping[str, Any], names: Mapping[str, str], zone: ZoneInfo, currency: str
) -> Iterator[ReportPart]:  # fmt: skip
    """Every count with its notes and coins, the opening too: a recount takes no count's place (rule 79)."""
    for count in body["counts"]:
        lines = [
            ReportLine(format_minor(int(value), currency), int(value) * pieces, pieces)
            for value, pieces in sorted(count["denominations"].items(), key=lambda row: -int(row[0]))
            if pieces
        ]
        who = " ".join(part for part in (names.get(count["by_id"] or "", ""), _clock(count["at"], zone)) if part)
        lines.append(ReportLine("Cash", count["cash"], note=who))
        lines += [ReportLine(name, amount, exponent=exponent(name)) for name, amount in count["foreign"].items()]
        lines += [ReportLine(PLACES[name], amount) for name, amount in count["others"].items()]
        yield ReportPart(_nth_count(count["nth"]), tuple(lines))


def _nth_count(nth: int) -> str:
    """A count that money came between holds no more, so there may be a third."""
    return COUNT_WORDS[nth] if nth < len(COUNT_WORDS) else f"Count {nth}"


def _openings(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str], zone: ZoneInfo) -> Iterator[ReportPart]:
    """Openings without a sale, each with its reason (rule 81)."""
    told = [
        ReportLine(
            row["reason"] or "No reason",
            note=" ".join(part for part in (names.get(row["by_id"] or "", ""), _clock(row["at"], zone)) if part),
        )
        for row in rows
    ]
    if told:
        yield ReportPart(f"Opened without a sale: {len(told)}", tuple(told))


def _paid(kind: str, method: str) -> str:
    words = PAID_WORDS.get(PaymentKind(kind))
    return f"{METHOD_NAMES[Tender(method)]}, {words}" if words else METHOD_NAMES[Tender(method)]


def _moved(row: Mapping[str, Any]) -> str:
    title = money_title(MoneyKind(row["kind"]), row["amount"])
    return title if row["method"] == Tender.CASH else f"{title}, {METHOD_NAMES[Tender(row['method'])]}"


def _clock(at: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone):%H:%M}"


def _names(ctx: Context, ids: Iterable[str | None]) -> dict[str, str]:
    return names_of(ctx.session, {row_id for row_id in ids if row_id})
