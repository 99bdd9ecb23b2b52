"""What is sent is read strictly, in flat memory, and never repeated in an answer."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest

from shopnode.api.reading import BODY_MAX, Malformed, parse_json
from shopnode.domain.catalogue.models import Product
from tests.api.client import Client, answer
from tests.api.goods import CABLE
from tests.shop import Shop

JSON = {"Content-Type": "application/json"}


def send(client: Client, body: bytes, headers: dict[str, str] = JSON, path: str = "/products") -> Any:
    return client.call("POST", path, data=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nonsense", b"{'a': 1}", b'{"a": 1,}', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 01}',
        b'{"name": "a", "name": "b"}', b'{"items": [{"quantity": 1, "quantity": 2}]}', b"\xff\xfe{}", b'\xef\xbb\xbf{}',
        b'{"a": "\xff"}', b'{"a": ' + b"1" * 5_000 + b"}", b'{"a": 1e999999999999999999999}', b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"{} {}",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_what_is_not_one_json_object_is_refused(owner: Client, shop: Shop, body: bytes) -> None:
    assert answer(send(owner, body), 400)["code"] == "malformed"
    assert shop.rows(Product) == []


@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_json_that_is_no_object_is_refused_in_words(owner: Client, body: bytes) -> None:
    assert answer(send(owner, body), 422)["fields"] == {"body": "must be an object"}


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/problem+json"},
        JSON | {"Content-Encoding": "gzip"}, JSON | {"Content-Encoding": "identity"},
    ],
    ids=str,
)  # fmt: skip
def test_another_kind_of_content_is_refused(owner: Client, shop: Shop, headers: dict[str, str]) -> None:
    assert answer(send(owner, json.dumps(CABLE).encode(), headers), 415)["code"] == "wrong-media-type"
    assert shop.rows(Product) == []


def test_a_charset_of_json_is_taken(owner: Client) -> None:
    answer(send(owner, json.dumps(CABLE).encode(), {"Content-Type": "application/json; charset=utf-8"}), 201)


@pytest.mark.parametrize("number", ["8000.0", "8e3", "8.0E+3", "80000e-1"])
def test_a_whole_number_is_one_however_it_is_written(owner: Client, number: str) -> None:
    body = json.dumps(CABLE).replace("8000", number)
    assert answer(send(owner, body.encode()), 201)["selling_price"] == 8_000


@pytest.mark.parametrize("value", ['"8000"', "8000.5", "true", "null", "[8000]", "{}", "1e30", "1e400", "1e-400"])
def test_nothing_else_is_a_number(owner: Client, shop: Shop, value: str) -> None:
    body = json.dumps(CABLE).replace("8000", value)
    assert answer(send(owner, body.encode()), 422)["fields"].keys() == {"selling_price"}
    assert shop.rows(Product) == []


@pytest.mark.parametrize("value", [1, 0, "true", "yes", None])
def test_nothing_else_is_true_or_false(owner: Client, value: Any) -> None:
    assert owner.post("/products", CABLE | {"is_preloaded": value}, 422)["fields"].keys() == {"is_preloaded"}


def test_a_body_above_the_cap_is_refused(owner: Client, shop: Shop) -> None:
    body = json.dumps(CABLE | {"description": "x" * BODY_MAX}).encode()
    assert answer(send(owner, body), 413)["code"] == "too-large"
    assert shop.rows(Product) == []


class Endless(io.RawIOBase):
    """A body that never ends, and counts what was taken of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        self.taken += len(room)
        room[:] = b"x" * len(room)
        return len(room)


def post_endless(client: Client, body: Endless, environ: dict[str, Any]) -> Any:
    """The WSGI server's view of a body that is still coming in."""
    return client.http.post(
        "/api/products", headers=client.headers | JSON, environ_overrides={"wsgi.input": body, **environ}
    )


@pytest.mark.parametrize("length", ["10", str(10**12)])
def test_an_endless_body_takes_no_memory(owner: Client, length: str) -> None:
    """Whatever the length claims: too much is refused unread, and no more is read than was claimed or is allowed."""
    endless = Endless()
    tracemalloc.start()
    response = post_endless(owner, endless, {"CONTENT_LENGTH": length})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert response.status_code in (400, 413)
    assert endless.taken <= BODY_MAX + 64 * 1024
    assert peak < 4 * BODY_MAX


def test_a_chunked_bomb_is_cut_at_the_cap(owner: Client) -> None:
    endless = Endless()
    response = post_endless(owner, endless, {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""})
    assert response.status_code == 413
    assert endless.taken <= BODY_MAX + 64 * 1024


def test_a_body_below_the_cap_with_many_fields_is_answered_briefly(owner: Client) -> None:
    body = {f"field-{no}" + "x" * 4_000: no for no in range(200)}
    refusal = owner.post("/products", body, 422)
    assert len(refusal["fields"]) <= 50
    assert len(json.dumps(refusal)) < 20_000


def test_a_flood_of_fields_is_not_even_named(anybody: Client) -> None:
    flood = {f"field-{no}": no for no in range(30_000)}
    assert anybody.post("/auth/login", flood, 400)["code"] == "malformed"


def test_a_query_is_read_strictly(owner: Client) -> None:
    for query, field in [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=5.0", "limit"), ("limit=%205", "limit"),
        ("limit=", "limit"), ("limit=1&limit=2", "limit"), ("offset=1", "offset"), ("archived=1", "archived"),
        ("archived=yes", "archived"), ("cursor=x", "cursor"), ("cursor=W10", "cursor"), ("cursor=eyJ9", "cursor"),
        ("sort=id", "sort"), ("q=" + "x" * 201, "q"),
    ]:  # fmt: skip
        assert owner.get(f"/products?{query}", 422)["fields"].keys() == {field}, query
    assert owner.get("/sales?date=12345", 422)["fields"].keys() == {"date"}
    assert owner.get("/sales?date=2026-13-01", 422)["fields"].keys() == {"date"}


def test_an_address_without_a_query_refuses_one(owner: Client) -> None:
    assert owner.get("/auth/me?token=secret", 422)["fields"].keys() == {"query"}


@pytest.mark.parametrize(
    "cursor", ["WzkwMDcxOTkyNTQ3NDA5OTEsICJ4Il0", "Wy0xLCJ4Il0", "WzEsIlx1MDAwMCJd", "W3RydWUsIngiXQ"]
)
def test_a_cursor_that_was_made_up_is_refused(owner: Client, cursor: str) -> None:
    for path in ("/sales", "/stock-movements", "/devices", "/drawer-sessions"):
        assert owner.call("GET", f"{path}?cursor={cursor}").status_code in (200, 422)


@pytest.mark.parametrize(
    "path", ["/nothing", "/sales/5", "/sales/5/approve", "/products/low-stocks", "/../secrets", "/"]
)
def test_an_unknown_address_is_refused_in_the_same_shape(owner: Client, path: str) -> None:
    assert owner.get(path, 404)["code"] == "not-found"


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/sales"), ("PATCH", "/products"), ("DELETE", "/products/low-stock")]
)
def test_an_unknown_method_is_told_which_there_are(owner: Client, method: str, path: str) -> None:
    response = owner.call(method, path)
    assert answer(response, 405)["code"] == "method-not-allowed"
    assert "GET" in response.headers["Allow"]


def test_an_answer_is_never_kept(owner: Client, anybody: Client) -> None:
    for response in (owner.call("GET", "/products"), anybody.call("GET", "/products"), owner.call("GET", "/nothing")):
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("text", [b'{"a": 1.5}', b'{"a": 1e2}', b'{"a": [1, 2.0]}'])
def test_numbers_with_a_point_do_not_become_floats(text: bytes) -> None:
    assert "float" not in str([type(value) for value in parse_json(text).values()])


def test_deep_nesting_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_json(b"[" * 200_000)
