"""The line to the hub: HTTP with written time-outs and a cap on what is read. Tests put a bad line in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import requests

from sync_protocol.compression import DECODED_BYTES_MAX, WORDS
from sync_protocol.limits import EXCHANGE_STALL_S

CONNECT_TIMEOUT_S = 10
ACCEPTED = f"{WORDS}, zstd"


class LinkDown(Exception):
    """Nothing usable came back: no network, a time-out, a cut, or somebody else's page. Nothing may be concluded."""


@dataclass(frozen=True)
class Answer:
    """An answer as it was on the line; the body is still encoded."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Transport(Protocol):
    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request and its answer. Raises LinkDown."""
        ...


class HttpTransport:
    """A kept-alive HTTP connection to one hub."""

    def __init__(self, base_url: str, *, stall_s: int = EXCHANGE_STALL_S):
        self._base = base_url.rstrip("/")
        self._stall_s = stall_s
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        fixed = {"Content-Type": "application/json", "Accept-Encoding": ACCEPTED, "User-Agent": "shopnode", **headers}
        try:
            with self._session.request(
                method,
                self._base + target,
                headers=fixed,
                data=body or None,
                timeout=(CONNECT_TIMEOUT_S, self._stall_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = response.raw.read(DECODED_BYTES_MAX + 1, decode_content=False)
                if len(content) > DECODED_BYTES_MAX:
                    raise LinkDown("the answer is too long")
                expected = response.headers.get("Content-Length")
                if expected is not None and int(expected) != len(content):
                    raise LinkDown("the answer was cut off")
                return Answer(response.status_code, list(response.headers.items()), content)
        except (requests.RequestException, OSError, ValueError) as cut:
            raise LinkDown(type(cut).__name__) from cut
        except Exception as cut:
            # urllib3 raises its own errors from the raw body; they all mean a cut line.
            if type(cut).__module__.startswith("urllib3"):
                raise LinkDown(type(cut).__name__) from cut
            raise
