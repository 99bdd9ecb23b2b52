"""Who a customer is, on the office's screens: written down, changed, merged with a double, forgotten."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.customers.models import Customer
from shopnode.domain.import_kinds import PEOPLE
from shopnode.domain.importing import tally
from shopnode.domain.sheets import Verdict
from tests.domain.till import Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, action_id, words


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def add(shop: Shop, name: str, phone: str | None = None, **more: object) -> str:
    return str(shop.do("customers.create", name=name, phone=phone, **more)["id"])


def test_a_customer_is_written_down_once_with_all_that_is_known(sarah: Browser, shop: Shop) -> None:
    list_id = shop.do("price_lists.create", name="Wholesale")["id"]
    form = {
        "name": "Nakato Prossy", "phone": "0772 123 456", "email": "", "address": "Ntinda", "id_number": "CM90001",
        "date_of_birth": "1990-11-22", "gender": "woman", "price_list_id": list_id, "notes": "", "may_message": "true",
        "action_id": action_id(sarah.get("/customers/new")),
    }  # fmt: skip

    answers = [sarah.post("/customers/new", **form) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {303}
    (row,) = shop.rows(Customer)
    assert (row.phone, str(row.date_of_birth), row.gender, row.price_list_id) == (
        "+256772123456", "1990-11-22", "woman", list_id
    )  # fmt: skip
    assert row.may_message_at is not None and row.email is None
    text = words(sarah.get(answers[0].headers["Location"]))
    assert "Saved" in text and "Wholesale" in text and "MTN" in text and "agreed" in text


@pytest.mark.parametrize(
    ("typed", "said"), [("0772123456", "+256772123456 · MTN"), ("0701 987 654", "Airtel"), ("0772", "Not a whole")]
)  # fmt: skip
def test_a_number_is_told_with_its_network_while_it_is_typed(aisha: Browser, typed: str, said: str) -> None:
    assert said in words(aisha.get("/customers/number", htmx=True, query_string={"phone": typed}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "is needed"), ({"phone": "0772"}, "complete telephone number"),
        ({"date_of_birth": "2090-01-01"}, "not a day on which"), ({"email": "nobody"}, "mail"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    sarah: Browser, shop: Shop, changes: dict[str, str], said: str
) -> None:
    form = {"name": "Joy", "phone": "0772 123 456", "address": "typed with care", **changes}

    answer = sarah.post("/customers/new", **form)

    assert answer.status_code == 422 and said in words(answer).lower()
    assert "typed with care" in answer.get_data(as_text=True) and shop.rows(Customer) == []


def test_a_known_number_leads_to_whoever_has_it(aisha: Browser, shop: Shop) -> None:
    known = add(shop, "Okello James", "0772 123 456")

    answer = aisha.post("/customers/new", name="James", phone="+256 772 123456")

    assert answer.status_code == 409 and "belongs to Okello James" in words(answer)
    assert f"/customers/{known}" in answer.get_data(as_text=True)


def test_only_what_differs_is_written(brian: Browser, shop: Shop) -> None:
    made = add(shop, "Okello James", "0772 123 456", address="Ntinda")
    form = {"name": "Okello James", "phone": "0772 123456", "address": "Kisaasi", "gender": "", "notes": ""}

    assert brian.post(f"/customers/{made}/edit", **form).status_code == 303
    assert shop.changes("customer")[-1].fields.keys() == {"address"}
    entries = len(shop.entries())
    brian.post(f"/customers/{made}/edit", **form)
    assert len(shop.entries()) == entries


def test_a_price_list_is_given_by_those_who_may(brian: Browser, shop: Shop) -> None:
    list_id = shop.do("price_lists.create", name="Wholesale")["id"]
    made = add(shop, "Okello James")
    assert "Wholesale" not in words(brian.get(f"/customers/{made}/edit"))

    brian.post(f"/customers/{made}/edit", name="Okello James", price_list_id=list_id)

    assert shop.row(Customer, made).price_list_id is None


def test_a_limit_is_set_and_told_in_words_for_whoever_sells(sarah: Browser, aisha: Browser, shop: Shop) -> None:
    made = add(shop, "Okello James")
    assert "No credit is agreed" in words(aisha.get(f"/customers/{made}"))

    assert sarah.post(f"/customers/{made}/credit", credit_limit="900,000", credit_days="14").status_code == 303
    assert "May buy for 900,000 more on account" in words(aisha.get(f"/customers/{made}"))
    assert (shop.row(Customer, made).credit_limit_minor, shop.row(Customer, made).credit_days) == (900_000, 14)
    wrong = sarah.post(f"/customers/{made}/credit", credit_limit="a lot", credit_days="")
    assert wrong.status_code == 422 and 'value="a lot"' in wrong.get_data(as_text=True)
    sarah.post(f"/customers/{made}/credit", credit_limit="", credit_days="")
    assert shop.row(Customer, made).credit_limit_minor is None


def test_a_double_is_seen_looked_at_and_merged(sarah: Browser, till: Till) -> None:
    kept, twin = add(till.shop, "Nakato Prossy", "0772 123 456"), add(till.shop, "nakato prossy")
    till.sell({"product_id": till.glass}, customer_id=twin)
    assert "Perhaps written down twice" in words(sarah.get(f"/customers/{kept}"))
    assert "nakato prossy" in words(sarah.get(f"/customers/{kept}/merge"))
    assert "Nobody else fits" in words(sarah.get(f"/customers/{kept}/merge?q=zzz", htmx=True))

    preview = words(sarah.get(f"/customers/{kept}/merge?other={twin}"))
    assert "Together Purchases 1 Bought 5,000" in preview
    refused = sarah.post(f"/customers/{kept}/merge", other_id=twin, reason="same")
    assert refused.status_code == 422 and "say which of the two is kept" in words(refused)
    answer = sarah.post(f"/customers/{kept}/merge", other_id=twin, keep=kept, reason="same person")

    assert answer.headers["Location"].startswith(f"/customers/{kept}")
    assert till.shop.row(Customer, twin).merged_into == kept
    assert "KLA1-000001" in words(sarah.get(f"/customers/{kept}"))


def test_erasing_says_what_it_means_and_waits_for_a_yes(sarah: Browser, shop: Shop) -> None:
    made = add(shop, "Nakato Prossy", "0772 123 456")
    page = words(sarah.get(f"/customers/{made}/erase"))
    assert "What goes, for good" in page and "What stays" in page

    hasty = sarah.post(f"/customers/{made}/erase", reason="asked for it")
    assert hasty.status_code == 422 and "asked for it" in hasty.get_data(as_text=True)
    assert shop.row(Customer, made).erased_at is None
    sarah.post(f"/customers/{made}/erase", reason="asked for it", sure="true")

    assert shop.row(Customer, made).erased_at is not None
    after = words(sarah.get(f"/customers/{made}"))
    assert "Erased at their own wish" in after and "Nakato" not in after and "Take a payment" not in after


def test_whoever_owes_is_not_erased(sarah: Browser, till: Till) -> None:
    made = add(till.shop, "Nakato Prossy")
    till.shop.do("accounts.set_credit", customer_id=made, credit_limit=900_000)
    till.sell({"product_id": till.glass}, pay=[{"method": "on_account", "amount": 5_000}], customer_id=made)
    assert "Something is still open" in words(sarah.get(f"/customers/{made}/erase"))

    answer = sarah.post(f"/customers/{made}/erase", reason="asked for it", sure="true")

    assert answer.status_code == 409 and "Settle that first" in words(answer)
    assert till.shop.row(Customer, made).erased_at is None


def test_off_the_lists_is_not_gone(sarah: Browser, shop: Shop) -> None:
    made = add(shop, "Nakato Prossy")
    sarah.post(f"/customers/{made}/archive")

    assert "Nakato" not in words(sarah.get("/customers"))
    assert "Off the lists" in words(sarah.get(f"/customers/{made}"))


def test_the_list_as_a_file_is_written_down_and_can_be_imported_again(brian: Browser, shop: Shop) -> None:
    add(shop, "Okello James", "0772 123 456", address="Ntinda")
    add(shop, "=cmd|' /C calc'!A0")

    answer = brian.get("/customers?format=csv")

    assert "'=cmd" in answer.get_data(as_text=True)
    assert shop.entries()[-1].action == "lists.export" and shop.entries()[-1].actor_id == shop.supervisor.id
    again = list(PEOPLE.run(shop.ctx(), io.BytesIO(answer.data)))
    assert tally(again) == {Verdict.UNCHANGED: 2}
    assert brian.get("/customers?format=xlsx").data.startswith(b"PK")


def test_only_those_who_may_take_lists_out_do(aisha: Browser, shop: Shop) -> None:
    assert aisha.get("/customers?format=csv").status_code == 403
    assert "format=csv" not in aisha.get("/customers").get_data(as_text=True)
