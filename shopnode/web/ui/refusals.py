"""One handler renders every refusal: a page, a part of one, a toast, or a problem document. Views never catch.

A view whose form can show what is wrong says how, before it acts: `on_refusal(lambda error: part(...))`. What that
returns is answered with the error's status, so that nothing typed is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from flask import Flask, Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from shopnode.api.problems import problem_response
from shopnode.domain.errors import Invalid, NotSignedIn, ShopError
from shopnode.domain.people.second_proof import SecondProofNeeded, WrongSecondProof
from shopnode.web.ui.request import is_htmx, read_again

log = logging.getLogger(__name__)

Drawn = Callable[[ShopError], "str | Response | None"]

TITLES = {
    400: "This request cannot be read", 401: "Sign in first", 403: "Not for your role", 404: "Not found",
    405: "Not found", 409: "Somebody was faster", 413: "Too large", 415: "Not a file we can read",
    421: "Not our name", 422: "Something is missing", 429: "Too many tries", 503: "One moment",
}  # fmt: skip
WORDS = {
    400: "What was sent cannot be read. Nothing was changed.",
    404: "There is nothing at this address.",
    405: "There is nothing at this address.",
    413: "What was sent is too large. Nothing was changed.",
}
FAILED = "The shop's computer could not do that. Nothing was changed. Try again."


class RequestRefused(ShopError):
    """A refusal of the web itself (not found, too large), in our words."""

    code = "request-refused"

    def __init__(self, status: int):
        self.status = status
        super().__init__(WORDS.get(status, "This request was refused. Nothing was changed."))


def on_refusal(draw: Drawn) -> None:
    """How this view shows a refusal: the returned body is answered with the error's status; None leaves it to us."""
    g.on_refusal = draw


def asks_code(error: ShopError) -> bool:
    """Whether signing in goes on with a second proof."""
    return isinstance(error, SecondProofNeeded | WrongSecondProof)


def code_errors(error: ShopError) -> dict[str, str]:
    """`field_errors` of signing in: what is wrong with a code is said beside it."""
    return {"code": str(error)} if asks_code(error) else field_errors(error)


def field_errors(error: ShopError, shown: Collection[str] = ()) -> dict[str, str]:
    """The error as the forms want it: by field, or under "" when it belongs to none. Begins like a sentence.

    shown  the fields that the form can mark; what is wrong with any other is said under ""
    """
    if not isinstance(error, Invalid):
        return {"": str(error)}
    found: dict[str, str] = {}
    for name, text in error.fields.items():
        if shown and name not in shown:
            found[""] = f"{found.get('', '')} {name}: {text}.".strip()
        else:
            found[name] = text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
    return found


def install_refusals(app: Flask, sign_in: Callable[[], str]) -> None:
    """Register the handler. `sign_in` is the address where one signs in."""

    @app.errorhandler(ShopError)
    def refused(error: ShopError) -> ResponseReturnValue:
        return _answer(error, sign_in)

    @app.errorhandler(HTTPException)
    def refused_by_web(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None or (error.code or 500) < 400:
            return error
        return _answer(RequestRefused(error.code or 500), sign_in)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        log.exception("request failed", extra={"endpoint": request.endpoint})
        failure = ShopError(FAILED)
        failure.status, failure.code = 500, "failed"
        g.pop("on_refusal", None)
        return _answer(failure, sign_in)


def _answer(error: ShopError, sign_in: Callable[[], str]) -> Response:
    if wants_problem():
        return problem_response(error)
    drawn = _drawn_by_view(error)
    if drawn is not None:
        return _with_status(drawn, error)
    if isinstance(error, NotSignedIn):
        return _to_sign_in(sign_in())
    if is_htmx():
        toast = make_response(render_template("ui/_refused.html", words=str(error)))
        toast.headers["HX-Retarget"], toast.headers["HX-Reswap"] = "#toasts", "beforeend"
        return _with_status(toast, error)
    title = TITLES.get(error.status, "That did not work")
    return _with_status(render_template("ui/refused.html", title=title, words=str(error)), error)


def _drawn_by_view(error: ShopError) -> str | Response | None:
    draw: Drawn | None = g.pop("on_refusal", None)
    if draw is None:
        return None
    if g.get("ctx") is not None:
        read_again()
    return draw(error)


def _with_status(body: str | Response, error: ShopError) -> Response:
    response = make_response(body)
    if not 300 <= response.status_code < 400:
        response.status_code = error.status
    if "retry_after_ms" in error.details:
        response.headers["Retry-After"] = str(int(str(error.details["retry_after_ms"])) // 1000)
    return response


def _to_sign_in(address: str) -> Response:
    if is_htmx():
        response = Response(status=401)
        response.headers["HX-Redirect"] = address
        return response
    return make_response(redirect(address, 303))


def wants_problem() -> bool:
    """Whether a program asks: it gets `application/problem+json`."""
    if request.path.startswith(("/api/", "/sync/")):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def here() -> str:
    """The address that was asked for, to come back to after signing in; only ever one of our own."""
    return request.full_path.rstrip("?") if request.method == "GET" and not is_htmx() else ""


def own_path(address: str | None, otherwise: str = "/") -> str:
    """A path of ours that came in as a parameter; another site's address becomes the start page."""
    text = address or ""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and "\\" not in text and text.isprintable()
    return text if is_ours else otherwise
