"""Lists, details and reports; either home, the node or the hub, mounts them."""

from flask import Blueprint


def office_blueprint() -> Blueprint:
    """The office's pages, all registered."""
    from shopnode.web.office import amend, importing, phones, photos, products, sale, sales, transfers  # noqa: F401 — all register
    from shopnode.web.office.blueprint import bp

    return bp
