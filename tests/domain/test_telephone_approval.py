"""A question is read out, a code comes back: good once, for exactly what was asked, and not after a restore."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.actions import ACTIONS
from shopnode.domain.context import PhoneApproval
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, NotFound, NotPermitted, TooManyTries
from shopnode.domain.params import read_params
from shopnode.domain.people.models import ApprovalChallenge, PhoneApprover
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.people.telephone import Asked, QuestionClosed, WrongCode, answer, ask
from shopnode.domain.people.telephone_rules import (
    Question,
    answer_for,
    challenge_of,
    is_answer,
    new_secret,
    read_challenge,
)
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Sale
from tests.domain.counting import lines, table
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop

SECRET = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
MINUTE_MS = 60_000


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    shop.do("approvals.set_up_phone")
    return made


def cheap(till: Till, price: int = 100) -> dict[str, Any]:
    """A glass below its floor: a second person is needed."""
    items = [{"product_id": till.glass, "unit_price": price}]
    return {"items": items, "payments": [{"method": "cash", "amount": price}], "notes": "the last one, cracked"}


def put(till: Till, form: dict[str, Any], action: str = "sales.sell", role: Role = Role.STAFF) -> Asked:
    return ask(till.shop.ctx(role), action, read_params(ACTIONS[action].params, form))


def code(till: Till, asked: Asked, **other: Any) -> str:
    """What the owner's phone says, for what was read out."""
    told = asked.question
    typed = {"challenge": told.challenge, "action": told.action, "amount": told.amount_minor, "document": told.document}
    with till.shop.reading(Role.OWNER) as ctx:
        return answer(ctx, None, {**typed, **other})


def sell(till: Till, form: dict[str, Any], challenge: str, digits: str, role: Role = Role.STAFF, **more: Any) -> Any:
    return till.shop.perform("sales.sell", form, role=role, approval=PhoneApproval(challenge, digits), **more)


def approved(till: Till, form: dict[str, Any]) -> tuple[str, str]:
    asked = put(till, form)
    return asked.question.challenge, code(till, asked)


def test_a_code_read_out_by_the_owner_lets_the_sale_through(till):
    form = cheap(till)
    with pytest.raises(ApprovalNeeded):
        till.shop.perform("sales.sell", form, role=Role.STAFF)
    asked = put(till, form)
    assert (asked.question.amount_minor, asked.question.document) == (100, "NEW")
    sell(till, form, asked.question.challenge, code(till, asked))
    assert till.shop.entries()[-1].body.count(till.shop.owner.id) == 1  # the entry names who approved


def test_signs_and_digits_are_read_however_they_are_typed(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    sell(
        till,
        form,
        f" {challenge[:4].lower()}-{challenge[4:].replace('0', 'o').replace('1', 'l')} ",
        f"{digits[:4]} {digits[4:]}",
    )


def test_a_code_is_good_once(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    sell(till, form, challenge, digits)
    with pytest.raises(QuestionClosed):
        sell(till, form, challenge, digits)
    assert len(till.shop.rows(Sale)) == 1


def test_a_retry_of_the_same_sale_is_the_same_sale(till):
    form, action_id = cheap(till), till.shop.home.new_id()
    challenge, digits = approved(till, form)
    answers = [sell(till, form, challenge, digits, action_id=action_id).result for _ in range(2)]
    assert answers[0] == answers[1]


def test_a_code_cannot_be_moved_to_another_amount(till):
    challenge, digits = approved(till, cheap(till, 100))
    with pytest.raises(QuestionClosed):
        sell(till, cheap(till, 99), challenge, digits)


def test_a_smaller_amount_read_out_gives_a_code_for_nothing(till):
    form = cheap(till, 100)
    asked = put(till, form)
    with pytest.raises(WrongCode):
        sell(till, form, asked.question.challenge, code(till, asked, amount=4_900))


def test_a_code_cannot_be_moved_to_another_document(till):
    pay = [{"method": "cash", "amount": 640_000}]
    ids = [till.sell({"device_id": unit}, pay=pay).result["sale_id"] for unit in till.units]
    forms = []
    for sale_id, imei in zip(ids, ("004401231000130", "004401241000260"), strict=True):
        lines = [{"imei": imei, "restock": "new"}]
        forms.append({"sale_id": sale_id, "lines": lines, "reason": "not wanted"})
    asked = put(till, forms[0], "returns.take_back")
    assert (asked.question.amount_minor, asked.question.document) == (640_000, "KLA1-000001")
    approval = PhoneApproval(asked.question.challenge, code(till, asked))
    with pytest.raises(QuestionClosed):
        till.shop.perform("returns.take_back", forms[1], role=Role.STAFF, approval=approval)
    till.shop.perform("returns.take_back", forms[0], role=Role.STAFF, approval=approval)


def test_a_code_cannot_be_moved_to_another_action_or_person(till):
    form = cheap(till)
    asked = put(till, form)
    with pytest.raises(WrongCode):
        sell(till, form, asked.question.challenge, code(till, asked, action="returns.take_back"))
    with pytest.raises(QuestionClosed):
        sell(till, form, asked.question.challenge, code(till, asked), role=Role.SUPERVISOR)


def test_five_wrong_codes_close_the_question(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    wrong = f"{(int(digits) + 1) % 10**8:08d}"
    for _ in range(5):
        with pytest.raises(WrongCode):
            sell(till, form, challenge, wrong)
        till.shop.clock.advance(1_000)
    with pytest.raises((QuestionClosed, TooManyTries)):
        sell(till, form, challenge, digits)
    till.shop.clock.advance(2 * MINUTE_MS)  # the person may try again, but this question is closed for good
    with pytest.raises(QuestionClosed):
        sell(till, form, challenge, digits)


def test_a_question_lasts_fifteen_minutes(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    till.shop.clock.advance(15 * MINUTE_MS)
    with pytest.raises(QuestionClosed):
        sell(till, form, challenge, digits)


def test_after_a_restore_an_old_answer_is_refused(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    till.shop.home.renew_origin("restored", also=lambda session, past_id: None)
    assert till.shop.rows(ApprovalChallenge)[0].used_at is None  # the copy of the books has it as it was
    with pytest.raises(QuestionClosed):
        sell(till, form, challenge, digits)
    challenge, digits = approved(till, form)
    sell(till, form, challenge, digits)


def test_an_action_that_fails_has_used_nothing(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    till.shop.do("cash.close_drawer", counted=FLOAT)
    with pytest.raises(Conflict, match="drawer is closed"):
        sell(till, form, challenge, digits)
    till.shop.do("cash.open_drawer", opening_float=FLOAT)
    sell(till, form, challenge, digits)


def test_nobody_approves_their_own_by_telephone_either(till):
    till.shop.do("settings.change", key="return_window_days", value=0)
    sale_id = till.sell(role=Role.OWNER).result["sale_id"]
    form = {"sale_number": "KLA1-000001", "reason": "not wanted"}
    form["lines"] = [{"sale_line_id": lines(till, sale_id)[0].id, "restock": "new"}]
    till.shop.do("cash.close_drawer", counted=FLOAT + 5_000)
    till.shop.clock.advance(24 * 60 * MINUTE_MS)
    till.shop.do("cash.open_drawer", opening_float=FLOAT)
    asked = put(till, form, "returns.take_back", role=Role.OWNER)
    approval = PhoneApproval(asked.question.challenge, code(till, asked))
    with pytest.raises(NotPermitted, match="approves their own"):
        till.shop.perform("returns.take_back", form, role=Role.OWNER, approval=approval)


def test_a_removed_telephone_and_a_new_secret_answer_nothing_that_was_asked(till):
    form = cheap(till)
    challenge, digits = approved(till, form)
    till.shop.do("approvals.set_up_phone")
    with pytest.raises(WrongCode):
        sell(till, form, challenge, digits)
    asked = put(till, form)
    digits = code(till, asked)
    till.shop.do("approvals.remove_phone")
    with pytest.raises(WrongCode):
        sell(till, form, asked.question.challenge, digits)
    with pytest.raises(NotFound):
        code(till, asked)


def test_only_owners_have_a_telephone_and_for_themselves(till):
    for role in (Role.SUPERVISOR, Role.STAFF):
        with pytest.raises(NotPermitted):
            till.shop.do("approvals.set_up_phone", role=role)
    with till.shop.reading(Role.SUPERVISOR) as ctx, pytest.raises(NotFound):
        answer(ctx, None, {"challenge": "7K2MP0QX", "action": "sales.sell", "amount": 1, "document": "NEW"})


def test_the_secret_is_in_no_answer_and_sealed_in_the_journal(till):
    (row,) = till.shop.rows(PhoneApprover)
    entry = next(entry for entry in till.shop.entries() if entry.action == "approvals.set_up_phone")
    assert row.secret is not None
    assert row.secret not in entry.body + str(entry.result)


def test_a_telephone_is_set_up_at_either_home(anywhere):
    shop_id = anywhere.rows(ShopRow)[0].id
    anywhere.do("approvals.set_up_phone", shop_id=shop_id)
    anywhere.do("approvals.set_up_phone", shop_id=shop_id)
    (row,) = anywhere.rows(PhoneApprover)
    assert (row.shop_id, row.staff_id) == (shop_id, anywhere.owner.id)
    typed = {"challenge": "7K2MP0QX", "action": "sales.sell", "amount": 540_000, "document": " new "}
    with anywhere.reading(Role.OWNER) as ctx:
        told = answer(ctx, shop_id, typed)
    assert told == answer_for(row.secret or "", Question("7K2MP0QX", "sales.sell", 540_000, "NEW"))


# --- the pure functions


@pytest.mark.parametrize(("question", "action", "amount", "document", "digits"), table("telephone.md", 1))
def test_the_page_on_codes(question, action, amount, document, digits):
    asked = Question(question, action, int(amount), document)
    assert answer_for(SECRET, asked) == digits
    assert is_answer(SECRET, asked, digits)


def test_the_question_follows_from_origin_chance_and_everything_asked():
    about = {"action": "sales.sell", "amount": 1}
    made = [
        challenge_of("a", "1", about), challenge_of("b", "1", about), challenge_of("a", "2", about),
        challenge_of("a", "1", {**about, "amount": 2}),
    ]  # fmt: skip
    assert len(set(made)) == 4
    assert all(read_challenge(text) == text for text in made)


@pytest.mark.parametrize("typed", ["", "7K2MP0Q", "7K2MP0QXX", "7K2MP0QU", "7K2MP0Q!"])
def test_what_cannot_be_a_question_is_said(till, typed):
    with pytest.raises(ValueError, match="8 letters"):
        read_challenge(typed)
    with till.shop.reading(Role.OWNER) as ctx, pytest.raises(Invalid, match="8 letters"):
        answer(ctx, None, {"challenge": typed, "action": "sales.sell", "amount": 1, "document": "NEW"})


def test_a_secret_has_160_bits():
    assert len(new_secret(bytes(20))) == 32
    with pytest.raises(ValueError, match="20 bytes"):
        new_secret(bytes(19))
