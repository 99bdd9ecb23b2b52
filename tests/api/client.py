"""A program that calls the API, as somebody of the cast."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from shopnode.domain.context import Actor
from tests.hub.world import PASSWORD

SARAH = {"email": "sarah@kisura.example", "password": PASSWORD}
MALLORY = {"email": "mallory@other.example", "password": PASSWORD}


class Client:
    """Calls as one person, and fails with the whole answer when the status is another than expected."""

    def __init__(self, app: Flask, actor: Actor | None = None, token: str | None = None):
        self.http = app.test_client()
        self.headers: dict[str, str] = {}
        if actor is not None:
            self.headers["X-Test-Person"] = actor.name
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> TestResponse:
        sent = {**self.headers, **(headers or {}), **({"Idempotency-Key": key} if key else {})}
        return self.http.open("/api" + path, method=method, json=json, headers=sent, **more)

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        return answer(self.call("GET", path, **more), status)

    def post(self, path: str, json: Any = None, status: int = 201, **more: Any) -> Any:
        return answer(self.call("POST", path, json, **more), status)

    def put(self, path: str, json: Any, status: int = 200, **more: Any) -> Any:
        return answer(self.call("PUT", path, json, **more), status)

    def delete(self, path: str, json: Any = None, status: int = 200, **more: Any) -> Any:
        return answer(self.call("DELETE", path, json, **more), status)


def answer(response: TestResponse, status: int) -> Any:
    """The answer's document. Refusals are problem documents, always."""
    assert response.status_code == status, (response.status_code, response.get_data(as_text=True)[:2000])
    if status >= 400:
        assert response.content_type == "application/problem+json"
        document = response.get_json()
        assert {"type", "title", "status", "detail", "code"} <= document.keys()
        assert document["status"] == status
    return response.get_json() if response.content_length else None


def signed_in(app: Flask, login: dict[str, str] = SARAH) -> Client:
    """Somebody at the hub's API."""
    return Client(app, token=Client(app).post("/auth/login", login, 200)["access_token"])
