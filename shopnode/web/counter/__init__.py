"""The counter: sell, the drawer, printers, signing in. Only a node has one, where the goods and the cash are."""

from flask import Blueprint


def counter_blueprint() -> Blueprint:
    """The counter's pages, all registered."""
    from shopnode.web.counter import (  # noqa: F401 — they register their addresses
        cart,
        claims,
        coming_back,
        drawer,
        drawer_money,
        manifests,
        pay,
        plan_begin,
        plans,
        profile,
        repair_again,
        repair_buying,
        repair_edit,
        repair_intake,
        repair_list,
        repair_roads,
        repair_ways,
        repairs,
        returns,
        sell,
        tradein,
    )
    from shopnode.web.counter.blueprint import bp

    return bp
