"""Phones taken in by scanning them one after another, without an order.

Each scan is a row: its model follows from the number where phones like it came before, the rest from what is set for
all. Everything is taken in at once or nothing is; what is wrong stands beside its row, and no row is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, text

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import offered
from shopnode.domain.clock import act_id
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.actions import SCANNED_MAX
from shopnode.domain.handsets.intake import Coming, number_of, what_comes_in
from shopnode.domain.handsets.models import Condition
from shopnode.domain.paging import ID
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.orders import supplier_choices
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act_many, is_htmx

CONDITIONS = [(kind.value, kind.value.replace("_", " ")) for kind in Condition]
OF_ROW = ("number", "model", "condition", "grade", "colour", "cost")
FOR_ALL = ("model", "condition", "grade", "colour", "storage", "cost", "supplier_id")
MODELS_MAX = 2000
TYPED_MAX = 60
WRONG = "Some phones cannot be taken in as they stand. What is wrong is said at each of them; nothing is lost."


@dataclass
class Row:
    """One phone that was scanned, as it stands in the form."""

    key: str
    typed: dict[str, str]
    coming: Coming
    is_twice: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def fault(self) -> str | None:
        return self.errors.get("number") or self.coming.fault


@bp.route("/phones/receive", methods=["GET", "POST"])
def receive_scanned() -> ResponseReturnValue:
    """Scan phones, say what they are, and take them in."""
    if request.method == "GET":
        return _page([], {})
    typed, rows = posted(), _posted_rows()
    on_refusal(lambda error: _refused(rows, typed, error))
    read = _read(rows)
    if not read:
        raise Invalid({"": "Scan the first phone."})
    groups = _groups(read, typed)
    if any(row.errors for row in read):
        raise Invalid({"": WRONG})
    base = posted_action_id(typed) or g.ctx.new_id()
    acts = [("handsets.receive_many", form, act_id("intake", base, str(place))) for place, form in enumerate(groups)]
    # Pressed twice, it is done once: what is wrong with a number is looked for only after it.
    done = act_many(acts, approval=asked_approval(typed))
    taken = sum(one.result["received"] for one in done)
    notes = list(dict.fromkeys(note for one in done for note in one.result["notes"]))
    return page("office/received.html", taken=taken, notes=notes, groups=_told(groups), crumbs=_crumbs())


def _refused(rows: Mapping[str, dict[str, str]], typed: Mapping[str, str], error: ShopError) -> str:
    """The form again, each row with what is wrong with it."""
    read = _read(rows)
    _groups(read, typed)
    if any(row.errors or row.fault for row in read):
        return _page(read, typed, {"": WRONG})
    return _page(read, typed, field_errors(error), second_people(error, typed))


@bp.post("/phones/receive/scan")
def scan_phone() -> ResponseReturnValue:
    """One more number: its row, or the row it has already."""
    typed, rows = posted(), _posted_rows()
    number = typed.get("scan", "").strip()[:TYPED_MAX]
    row = _scanned(number, rows) if number else None
    if not is_htmx():
        whole = _read({**({row.key: row.typed} if row and not row.is_twice else {}), **rows})
        return _page(whole, {**typed, "scan": ""})
    if row is None:
        return Response(status=204)
    return part("office/_receive_row.html", row=row, conditions=CONDITIONS, sees_cost=_sees_cost())


def _scanned(number: str, rows: Mapping[str, dict[str, str]]) -> Row:
    if len(rows) >= SCANNED_MAX:
        raise Invalid({"": f"{SCANNED_MAX} phones are enough for once: take them in, then go on."})
    (coming,) = what_comes_in(g.ctx, [number])
    if coming.number is not None:
        for key, known in rows.items():
            if number_of(known["number"]) == coming.number:
                return Row(key, known, coming, is_twice=True)
    typed = dict.fromkeys(OF_ROW, "") | {"number": coming.number or number, "model": coming.product_name or ""}
    return Row(g.ctx.new_id(), typed, coming)


def _posted_rows() -> dict[str, dict[str, str]]:
    """What was typed in each row, the latest scan first."""
    keys = [key for key in dict.fromkeys(request.form.getlist("row")) if ID.fullmatch(key)][:SCANNED_MAX]
    return {key: {name: request.form.get(f"{name}.{key}", "").strip()[:200] for name in OF_ROW} for key in keys}


def _read(rows: Mapping[str, dict[str, str]]) -> list[Row]:
    """The rows with what the books know of their numbers; a number that stands there twice is a fault of the second."""
    found: list[Row] = []
    seen: set[str] = set()
    told = what_comes_in(g.ctx, [typed["number"] for typed in rows.values()])
    for (key, typed), coming in zip(rows.items(), told, strict=True):
        row = Row(key, typed, coming)
        if row.coming.number in seen:
            row.errors["number"] = "This number stands here twice: take one of the two out."
        if row.coming.number is not None:
            seen.add(row.coming.number)
        found.append(row)
    return found


def _groups(rows: list[Row], typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """Phones that have everything in common, as the action takes them; what is wrong is written into its row."""
    ids = _product_ids({*(row.typed["model"] for row in rows), typed.get("model", "")})
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        form = {name: row.typed[name] or typed.get(name, "") for name in ("condition", "grade", "colour")}
        model = row.typed["model"] or typed.get("model", "")
        product_id = ids.get(model.casefold())
        if product_id is None:
            row.errors["model"] = "No phone of this name is on sale." if model else "Say which model it is."
        key = f"cost.{row.key}"
        try:
            given = asked_money({key: row.typed["cost"] or typed.get("cost", "")}, key)
        except Invalid as wrong:
            row.errors["cost"] = f"{wrong.fields[key].capitalize()}."
            given = None
        whole: dict[str, Any] = {
            **form, "product_id": product_id, "cost_minor": given, "storage": typed.get("storage", ""),
            "supplier_id": typed.get("supplier_id", ""),
        }  # fmt: skip
        asked = groups.setdefault(tuple(whole.values()), {**whole, "numbers": []})
        asked["numbers"].append(row.coming.number or row.typed["number"])
    return list(groups.values())


def _product_ids(names: set[str]) -> dict[str, str]:
    """Phones on sale by what they are called, in small letters."""
    asked = func.lower(Product.name).in_({name.lower() for name in names if name})
    query = select(Product.name, Product.id).where(offered(g.ctx.shop_id), Product.is_serialised.is_(True), asked)
    return {row.name.casefold(): row.id for row in g.ctx.session.execute(query)}


def _told(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was taken in, by model."""
    numbers: dict[str, list[str]] = {}
    for form in groups:
        numbers.setdefault(form["product_id"], []).extend(form["numbers"])
    query = select(Product.id, Product.name).where(Product.id.in_(numbers)).order_by(Product.name)
    return [{"id": row.id, "name": row.name, "numbers": numbers[row.id]} for row in g.ctx.session.execute(query)]


def _page(
    rows: list[Row], typed: Mapping[str, str], errors: dict[str, str] | None = None,
    approvers: Sequence[tuple[str, str]] = (),
) -> str:  # fmt: skip
    by_imei = text("product.is_serialised")  # as the index of those alone says it
    query = select(Product.name).where(offered(g.ctx.shop_id), by_imei)
    models = list(g.ctx.session.scalars(query.order_by(func.lower(Product.name)).limit(MODELS_MAX)))
    may_name = g.ctx.may(Permission.SUPPLIERS_READ)
    return page(
        "office/receive_phones.html", rows=rows, typed=typed, errors=errors or {}, models=models, approvers=approvers,
        conditions=CONDITIONS, sees_cost=_sees_cost(), crumbs=_crumbs(),
        suppliers=[("", "Nobody on the list"), *supplier_choices()] if may_name else [],
    )  # fmt: skip


def _sees_cost() -> bool:
    """Who takes deliveries in has the bill in hand; the others leave the cost as the catalogue has it."""
    return bool(g.ctx.may(Permission.GOODS_RECEIVE))


def _crumbs() -> list[tuple[str, str | None]]:
    return [("Phones", url_for("office.phones")), ("Receive", None)]
