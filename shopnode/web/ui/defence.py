"""What stands before and around every answer: which host names we answer to, whose forms we take, what a page may do.

Invariants:
  * A request under a name that is not ours is refused before anything else: a stranger's page cannot rebind its own
    name to this computer and read the shop.
  * A request that changes something comes from our own pages, or carries a token no browser adds by itself.
  * No page loads or sends anything anywhere else; no inline script or style runs.
"""

from __future__ import annotations

import gzip
import ipaddress
from collections.abc import Callable

from flask import Flask, Request, Response, request

from shopnode.domain.errors import NotPermitted, ShopError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
GZIP_BYTES_MIN = 1024
GZIPPED_TYPES = frozenset({
    "text/html", "text/csv", "text/plain", "application/json", "application/problem+json",
})  # fmt: skip
YEAR_S = 31_536_000

CONTENT_POLICY = "; ".join((
    "default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src 'self' data: blob:",
    "connect-src 'self'", "worker-src 'self'", "manifest-src 'self'", "object-src 'none'", "base-uri 'none'",
    "form-action 'self'", "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                                            "127.0.0.0/8", "::1/128", "fc00::/7", "fe80::/10")))  # fmt: skip


class UnknownHost(ShopError):
    code, status = "unknown-host", 421

    def __init__(self) -> None:
        super().__init__("This computer does not answer to that name. Use the address shown on the shop's computer.")


class ForeignForm(NotPermitted):
    code = "foreign-form"

    def __init__(self) -> None:
        super().__init__("This request did not come from the shop's own pages. Open the shop again and repeat it.")


def install_defence(app: Flask, is_our_host: Callable[[str], bool], apart: str = "") -> None:
    """Check host and origin first, add the headers last. Call before anything else is installed.

    apart  where paths begin that no browser asks for, and that prove who they are in their own way
    """

    def is_apart() -> bool:
        return bool(apart) and request.path.startswith(apart)

    @app.before_request
    def check() -> None:
        if is_apart():
            return
        if not is_our_host(host_name(request.host)):
            raise UnknownHost
        if request.method not in SAFE_METHODS and not is_own_form(request):
            raise ForeignForm

    @app.after_request
    def dress(response: Response) -> Response:
        if is_apart():
            return response
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return compress(response)


def host_name(host: str) -> str:
    """The name in a Host header, without its port: "[::1]:8080" is "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def shop_hosts(*names: str) -> Callable[[str], bool]:
    """The names of a computer in a shop: itself, its private addresses, and those it was given."""
    ours = {"localhost", *(name.lower() for name in names if name)}

    def is_ours(name: str) -> bool:
        if name in ours:
            return True
        try:
            address = ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            return False
        return any(address.version == network.version and address in network for network in PRIVATE)

    return is_ours


def is_own_form(asked: Request) -> bool:
    """Whether a request that changes something comes from our own page, or from a program with its own token."""
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = asked.headers.get("Origin")
    if origin is not None:
        return origin == f"{asked.scheme}://{asked.host}"
    if asked.headers.get("Authorization", "").startswith("Bearer "):
        return True
    # A program that signs in: it brings no cookie that could be borrowed, and content no foreign form can send.
    return asked.mimetype == "application/json" and not asked.cookies


def compress(response: Response) -> Response:
    """Gzip what is worth it; the server in front of us does not."""
    if response.direct_passthrough or response.is_streamed or response.mimetype not in GZIPPED_TYPES:
        return response
    response.headers.add("Vary", "Accept-Encoding")
    body = response.get_data()
    wanted = "gzip" in request.headers.get("Accept-Encoding", "")
    if wanted and len(body) > GZIP_BYTES_MIN and "Content-Encoding" not in response.headers:
        response.set_data(gzip.compress(body, compresslevel=6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
