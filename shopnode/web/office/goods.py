"""The search that puts goods into a form: found while typing, taken by Enter when there is one that is meant."""

from __future__ import annotations

from flask import Response, g, make_response, request

from shopnode.domain.catalogue.queries import ProductView, product_view, products_by_code, search_products
from shopnode.domain.paging import ID
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import ASKED, goods_lines
from shopnode.web.ui.frame import part

HITS_MAX = 12
TEXT_MAX = 200


@bp.get("/goods/find")
def find_goods() -> str:
    """Products that fit what was typed so far."""
    return _hits(_text(), _found(_text()))


@bp.get("/goods/line")
def goods_line() -> Response:
    """The row of a product: of the one that was chosen, or the only one that what was typed can mean."""
    chosen = request.args.get("product_id", "")
    if ID.fullmatch(chosen):
        return make_response(_row(product_view(g.ctx, chosen)))
    found = products_by_code(g.ctx, _text()) or _found(_text())
    if len(found) == 1:
        return make_response(_row(found[0]))
    answer = make_response(_hits(_text(), found))
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#goods-hits", "innerHTML"
    return answer


def _row(product: ProductView) -> str:
    (line,) = goods_lines({product.id: {}})
    return part("office/_goods_line.html", line=line, asked=ASKED[_list()], list_name=_list())


def _hits(text: str, found: list[ProductView]) -> str:
    return part("office/_goods_hits.html", hits=found, q=text, list_name=_list())


def _found(text: str) -> list[ProductView]:
    return search_products(g.ctx, text, limit=HITS_MAX).rows if text else []


def _text() -> str:
    return request.args.get("q", "").strip()[:TEXT_MAX]


def _list() -> str:
    wanted = request.args.get("list", "")
    return wanted if wanted in ASKED else "order"
