"""Lists, details and reports; either home, the node or the hub, mounts them."""

from flask import Blueprint


def office_blueprint() -> Blueprint:
    """The office's pages, all registered."""
    from shopnode.web.office import (  # noqa: F401 — all register
        account,
        amend,
        api_keys,
        attendance,
        attendance_corrections,
        cash_slips,
        closures,
        commission_rules,
        commissions,
        customer_edit,
        customer_merge,
        customer_money,
        customers,
        deliveries,
        expense_plans,
        expenses,
        exports,
        financiers,
        goods,
        importing,
        jobs,
        journal,
        notices,
        orders,
        papers,
        performance,
        phones,
        photos,
        plans,
        price_lists,
        products,
        receiving,
        reordering,
        sale,
        sales,
        second_proof,
        settings,
        signals,
        staff,
        staff_data,
        stock,
        stocktakes,
        supplier_returns,
        suppliers,
        telephone,
        transfers,
        z_reports,
    )
    from shopnode.web.office.blueprint import bp

    return bp
