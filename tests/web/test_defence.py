"""What stands in front of every page: names we answer to, whose forms we take, and the headers of every answer."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask

from shopnode.app import create_app
from shopnode.web.ui.defence import host_name
from tests.web.conftest import BareNode, Browser

LOGIN = {"who": "+256798000003", "password": "correct horse battery"}

# Sec-Fetch-Site, Origin, Authorization, taken?
CALLERS = [
    ("same-origin", None, None, True),
    ("none", None, None, True),
    ("same-site", None, None, False),
    ("cross-site", None, None, False),
    ("cross-site", "http://localhost", None, False),
    (None, "http://localhost", None, True),
    (None, "http://localhost:81", None, False),
    (None, "https://localhost", None, False),
    (None, "http://evil.example", None, False),
    (None, "null", None, False),
    (None, None, None, False),
    (None, None, "Basic abc", False),
    (None, None, "Bearer abc", True),
]


@pytest.mark.parametrize(("site", "origin", "authorization", "taken"), CALLERS)
def test_only_our_own_pages_change_something(
    app: Flask, site: str | None, origin: str | None, authorization: str | None, taken: bool
) -> None:
    named = {"Sec-Fetch-Site": site, "Origin": origin, "Authorization": authorization}
    headers = {name: value for name, value in named.items() if value is not None}

    answer = app.test_client().post("/login", data=LOGIN, headers=headers)

    assert (answer.status_code == 303) is taken
    assert ("Set-Cookie" in answer.headers) is taken


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_is_checked(aisha: Browser, method: str) -> None:
    answer = aisha.client.open("/sell/clear", method=method, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "own pages" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True), ("localhost:8300", True), ("127.0.0.1:8300", True), ("[::1]:8300", True),
        ("192.168.1.20:8300", True), ("10.0.0.5", True), ("172.16.4.4", True), ("till.local:8300", True),
        ("evil.example", False), ("8.8.8.8", False), ("172.32.0.1", False), ("localhost.evil.example", False),
        ("192.168.1.20.evil.example", False), ("[2001:db8::1]", False), ("", False),
        ("127.0.0.1.nip.example:80", False),
    ],
)  # fmt: skip
def test_we_answer_to_our_own_names_only(node: BareNode, host: str, ours: bool) -> None:
    app = create_app(node, hosts=("till.local",))

    answer = app.test_client().get("/login", headers={"Host": host})

    assert (answer.status_code == 200) is ours


def test_a_host_name_is_read_without_its_port() -> None:
    assert [host_name(text) for text in ("A.local:1", "[::1]:8", "[::1]", "::1", "x")] == [
        "a.local",
        "::1",
        "::1",
        "::1",
        "x",
    ]


def test_every_answer_carries_the_headers(aisha: Browser) -> None:
    for path in ("/sell", "/nowhere", "/api/products", "/static/dist/nothing.js", "/sales.csv"):
        headers = aisha.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_kept_by_nobody_and_files_for_ever(aisha: Browser) -> None:
    import json

    from shopnode.web.ui.look import DIST

    name = json.loads((DIST / "manifest.json").read_text())["app.js"]
    page, file = aisha.get("/sell"), aisha.get(f"/static/dist/{name}")

    assert page.headers["Cache-Control"] == "no-store"
    assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert file.mimetype == "text/javascript"


def test_answers_are_compressed_for_those_who_take_it(aisha: Browser) -> None:
    import json

    from shopnode.web.ui.look import DIST

    name = json.loads((DIST / "manifest.json").read_text())["app.css"]
    squeezed = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
    page, plain = aisha.client.get("/sell", headers=squeezed), aisha.get("/sell")
    short = aisha.client.get("/health", headers=squeezed)
    file = aisha.client.get(f"/static/dist/{name}", headers=squeezed)

    assert page.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in page.headers["Vary"]
    assert len(page.data) < len(plain.data) / 3
    assert b"<title>Sell" in gzip.decompress(page.data)
    assert "Content-Encoding" not in plain.headers and "Content-Encoding" not in short.headers
    assert file.headers["Content-Encoding"] == "gzip" and gzip.decompress(file.data) == (DIST / name).read_bytes()


def test_too_much_is_refused_before_it_is_read(aisha: Browser) -> None:
    answer = aisha.post("/sell/custom", item_name="x" * 5_000_000)

    assert answer.status_code == 413
    assert "too large" in answer.get_data(as_text=True)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: Browser, app: Flask) -> None:
    plain = visitor.sign_in("Aisha").headers["Set-Cookie"]
    secure = app.test_client().post(
        "/login", data=LOGIN, headers={"Sec-Fetch-Site": "same-origin"}, base_url="https://localhost"
    )

    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain
    assert "Secure" in secure.headers["Set-Cookie"]
