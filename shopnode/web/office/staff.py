"""The staff: who works here, what each may, and letting people in and out."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.people.choices import choices_about
from shopnode.domain.people.erasing import is_erased
from shopnode.domain.people.limits import PERSONAL_LIMITS
from shopnode.domain.people.models import Staff
from shopnode.domain.people.posting import shops_of
from shopnode.domain.people.queries import StaffState, all_shops, find_staff, page_of_staff
from shopnode.domain.people.second_proof import has_second_proof
from shopnode.domain.permissions import GIVEN, NEVER_TAKEN, OWNERS_ALONE, ROLE_PERMISSIONS, TAKEN, Permission, Role
from shopnode.domain.phones import show_phone
from shopnode.web.office.blueprint import bp
from shopnode.web.office.own_sessions import accounts
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

FIELDS = ("name", "role", "phone", "email")
NEW_FIELDS = (*FIELDS, "password")
ROLES = [(role.value, role.value) for role in (Role.STAFF, Role.SUPERVISOR, Role.OWNER)]
STATES = [("", "Everybody"), ("active", "Active"), ("suspended", "Suspended"), ("archived", "Left")]
SAYS = [("", "As the role says"), (GIVEN, "May"), (TAKEN, "May not")]
LIMIT_WORDS = {
    "discount_limit_bp": ("Discount on one line", "In basis points: 500 is 5 %"),
    "discount_max_minor": ("Off one whole ticket", "0 for no limit"),
    "refund_limit_minor": ("Refund alone", ""),
    "write_off_limit_minor": ("Write off alone, by cost", ""),
}
STEPS = {"suspend": "staff.suspend", "activate": "staff.activate", "sign_out": "staff.sign_out",
         "forget_proof": "staff.forget_second_proof"}  # fmt: skip


@bp.get("/staff")
def staff() -> str:
    """Everybody, by name."""
    return _list_page()


@bp.post("/staff")
def new_person() -> ResponseReturnValue:
    """Add a person to the staff."""
    typed = posted()
    on_refusal(lambda error: _list_page(field_errors(error, NEW_FIELDS), typed))
    form: dict[str, Any] = {name: typed.get(name) or None for name in NEW_FIELDS}
    if g.ctx.shop_id is None:
        form["shop_ids"] = request.form.getlist("shop_ids")
    done = act("staff.add", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.person", staff_id=done.result["id"], saved="added"), 303)


def _list_page(errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    word, q = request.args.get("state", ""), request.args.get("q", "").strip()[:200]
    state = StaffState(word) if word in set(StaffState) else None
    cursor = request.args.get("cursor") if request.method == "GET" else None
    found = page_of_staff(g.ctx.session, q=q, state=state, cursor=cursor)
    next_url = url_for("office.staff", q=q, state=word, cursor=found.next_cursor) if found.next_cursor else None
    shops = {shop.id: shop.name for shop in all_shops(g.ctx.session)}
    works = shops_of(g.ctx.session, [person.id for person in found.rows])
    rows = [
        {"person": person, "phone": show_phone(person.phone) if person.phone else person.email,
         "shops": ", ".join(shops.get(shop_id, "") for shop_id in works.get(person.id, []))}
        for person in found.rows
    ]  # fmt: skip
    values: dict[str, Any] = {"rows": rows, "next_url": next_url, "at_hub": g.ctx.shop_id is None}
    if cursor:
        return part("office/_staff_rows.html", **values)
    return page(
        "office/staff.html", states=STATES, state=word, q=q, roles=ROLES, shops=shops, errors=errors or {},
        typed=typed or {}, crumbs=[("Staff", None)], **values,
    )  # fmt: skip


@bp.get("/staff/<id:staff_id>")
def person(staff_id: str) -> str:
    """One person: who they are, what they may, and letting them in and out."""
    return person_page(staff_id)


@bp.post("/staff/<id:staff_id>")
def save_person(staff_id: str) -> ResponseReturnValue:
    """Change a person's name, role, telephone number or e-mail address."""
    typed = posted()
    on_refusal(lambda error: person_page(staff_id, error, {**typed, "open": "edit"}, FIELDS))
    form = {"staff_id": staff_id, **{name: typed.get(name) or None for name in FIELDS}}
    act("staff.update", form, action_id=posted_action_id(typed))
    return _saved(staff_id, "details")


@bp.post("/staff/<id:staff_id>/step")
def step_of_person(staff_id: str) -> ResponseReturnValue:
    """Suspend a person, let them in again, or sign them out everywhere."""
    typed = posted()
    on_refusal(lambda error: person_page(staff_id, error, typed))
    if typed.get("step") not in STEPS:
        raise Invalid({"step": "is needed"})
    act(STEPS[typed["step"]], {"staff_id": staff_id}, action_id=posted_action_id(typed))
    if typed["step"] != "activate":
        accounts().end_all(g.ctx, staff_id)
    return _saved(staff_id, typed["step"])


@bp.post("/staff/<id:staff_id>/archive")
def archive_person(staff_id: str) -> ResponseReturnValue:
    """Take a person off the staff for good."""
    typed = posted()
    on_refusal(lambda error: person_page(staff_id, error, typed))
    act("staff.archive", {"staff_id": staff_id}, action_id=posted_action_id(typed))
    return _saved(staff_id, "archived")


@bp.post("/staff/<id:staff_id>/password")
def give_password(staff_id: str) -> ResponseReturnValue:
    """Give somebody who forgot theirs a new password."""
    typed = posted()
    on_refusal(lambda error: person_page(staff_id, error, {"open": "password"}, ("new_password",)))
    form = {"staff_id": staff_id, "new_password": typed.get("new_password", "")}
    act("staff.reset_password", form, action_id=posted_action_id(typed))
    accounts().end_all(g.ctx, staff_id)
    return _saved(staff_id, "password")


@bp.post("/staff/<id:staff_id>/choices")
def choose_for_person(staff_id: str) -> ResponseReturnValue:
    """Permissions given or taken, and limits of this person's own."""
    typed = posted()
    on_refusal(lambda error: person_page(staff_id, error, {**typed, "open": "choices"}, tuple(PERSONAL_LIMITS)))
    said = {key: typed.get(f"may:{key}", "") for key in _choosable()}
    limits = {key: _number(key, typed.get(key, "")) for key in PERSONAL_LIMITS}
    words: dict[str, bool | None] = {GIVEN: True, TAKEN: False, "": None}
    form = {
        "staff_id": staff_id, "permissions": {key: words.get(word) for key, word in said.items()}, "limits": limits,
    }  # fmt: skip
    act("staff.choose", form, action_id=posted_action_id(typed))
    return _saved(staff_id, "choices")


def _saved(staff_id: str, what: str) -> ResponseReturnValue:
    return redirect(url_for("office.person", staff_id=staff_id, saved=what), 303)


def _number(key: str, typed: str) -> int | None:
    """A limit as it was typed; empty for the role's. Raises Invalid."""
    text = typed.replace(",", "").replace(" ", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Invalid({key: "must be a whole number"})
    return int(text)


def _choosable() -> list[str]:
    return sorted(key.value for key in Permission if key not in OWNERS_ALONE and key not in NEVER_TAKEN)


def person_page(
    staff_id: str, error: ShopError | None = None, typed: dict[str, str] | None = None, shown: tuple[str, ...] = ()
) -> str:
    """The page of one person, also after a refusal: with what is wrong, and what was typed."""
    found = find_staff(g.ctx.session, staff_id)
    chosen = choices_about(g.ctx.session, staff_id)
    shops = {shop.id: shop.name for shop in all_shops(g.ctx.session)}
    errors = field_errors(error, shown) if error else {}
    return page(
        "office/person.html", person=found, phone=show_phone(found.phone) if found.phone else "", roles=ROLES,
        shops=[shops.get(shop_id, "") for shop_id in shops_of(g.ctx.session, [staff_id]).get(staff_id, [])],
        chosen=chosen, areas=_areas(found, chosen, typed or {}), says=SAYS, limits=_limit_fields(chosen, typed or {}),
        saved=request.args.get("saved", "") if request.method == "GET" else "", errors=errors, typed=typed or {},
        is_me=found.id == g.ctx.actor.id, has_proof=has_second_proof(g.ctx.session, staff_id),
        erased=is_erased(found), crumbs=[("Staff", url_for("office.staff")), (found.name, None)],
    )  # fmt: skip


def _areas(found: Staff, chosen: dict[str, str], typed: dict[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Permissions by area, each with what the role says and what was chosen."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for key in _choosable():
        area, _, verb = key.partition(":")
        row = {"key": key, "label": verb.replace("-", " ").replace("_", " ").capitalize(),
               "by_role": key in ROLE_PERMISSIONS[Role(found.role)],
               "value": typed.get(f"may:{key}", chosen.get(key, ""))}  # fmt: skip
        areas.setdefault(area.replace("-", " ").capitalize(), []).append(row)
    return list(areas.items())


def _limit_fields(chosen: dict[str, str], typed: dict[str, str]) -> list[tuple[str, str, str, str]]:
    return [(key, *LIMIT_WORDS[key], typed.get(key, chosen.get(key, ""))) for key in PERSONAL_LIMITS]
