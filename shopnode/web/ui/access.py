"""Who may open which page. What is not in a table is shut; a test compares the tables with the app's addresses.

The table says who gets as far as the view. What a person may change is asked again by the door, for each action.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from flask import Flask, g, request

from shopnode.domain.errors import NotPermitted, NotSignedIn
from shopnode.domain.permissions import Permission
from shopnode.web.ui.access_house import HOUSE
from shopnode.web.ui.access_people import PEOPLE
from shopnode.web.ui.access_stock import STOCK

P = Permission


class Open(StrEnum):
    """Pages that need no permission."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"


Access = Mapping[str, StrEnum]  # a permission, or a word of `Open` (the API says the same with its own)

SHARED: Access = {"ui.static": Open.PUBLIC}

COUNTER: Access = {
    "auth.start": Open.PUBLIC,
    "auth.login": Open.PUBLIC,
    "auth.pin": Open.PUBLIC,
    "auth.back": Open.PUBLIC,
    "auth.forget_me": Open.PUBLIC,
    "auth.logout": Open.PUBLIC,
    "auth.lock": Open.SIGNED_IN,
    "auth.profile": Open.SIGNED_IN,
    "auth.set_password": P.OWN_CREDENTIALS,
    "auth.set_pin": P.OWN_CREDENTIALS,
    "status.health": Open.PUBLIC,
    "status.link": Open.SIGNED_IN,
    "status.sending": P.REPORTS_EXPORT,
    "status.save_file": P.REPORTS_EXPORT,
    "status.load_answer": P.REPORTS_EXPORT,
    "counter.sell": P.SALES_CREATE,
    "counter.new_sale": P.SALES_CREATE,
    "counter.search": P.SALES_CREATE,
    "counter.more": P.SALES_CREATE,
    "counter.trade_in": P.USED_BUY,
    "counter.trade_check": P.USED_BUY,
    "counter.trade_models": P.USED_BUY,
    "counter.trade_value": P.USED_BUY,
    "counter.buy_phone": P.USED_BUY,
    "counter.warranty": P.SALES_RETURN,
    "counter.claim_warranty": P.SALES_RETURN,
    "counter.drop_brought": P.SALES_CREATE,
    "counter.returns": P.SALES_RETURN,
    "counter.return_of": P.SALES_RETURN,
    "counter.return_worth": P.SALES_RETURN,
    "counter.take_back_goods": P.SALES_RETURN,
    "counter.returned": P.SALES_RETURN,
    "counter.plan": P.ACCOUNTS_COLLECT,
    "counter.plan_schedule": P.ACCOUNTS_COLLECT,
    "counter.plans": P.ACCOUNTS_COLLECT,
    "counter.plan_page": P.ACCOUNTS_COLLECT,
    "counter.pay_plan": P.ACCOUNTS_COLLECT,
    "counter.complete_plan": P.ACCOUNTS_COLLECT,
    "counter.end_plan": P.ACCOUNTS_COLLECT,
    "counter.repairs": P.REPAIRS_READ,
    "counter.repair": P.REPAIRS_READ,
    "counter.new_repair": P.REPAIRS_CREATE,
    "counter.repair_checklist": P.REPAIRS_CREATE,
    "counter.repair_known": P.REPAIRS_CREATE,
    "counter.edit_repair": P.REPAIRS_UPDATE,
    "counter.take_in_repair": P.REPAIRS_CREATE,
    "counter.repair_status": P.REPAIRS_UPDATE,
    "counter.repair_assign": P.REPAIRS_ASSIGN,
    "counter.repair_estimate": P.REPAIRS_UPDATE,
    "counter.repair_answer": P.REPAIRS_UPDATE,
    "counter.repair_deposit": P.ACCOUNTS_COLLECT,
    "counter.repair_note": P.REPAIRS_CREATE,
    "counter.repair_photo": P.REPAIRS_READ,
    "counter.print_repair_label": P.PRINTERS_USE,
    "counter.repair_notify": P.REPAIRS_UPDATE,
    "counter.repair_part_hits": P.REPAIRS_UPDATE,
    "counter.repair_reserve": P.REPAIRS_UPDATE,
    "counter.repair_bring_part": P.REPAIRS_UPDATE,
    "counter.repair_use_part": P.REPAIRS_UPDATE,
    "counter.repair_return_part": P.REPAIRS_UPDATE,
    "counter.repair_passcode": P.REPAIRS_SEE_PASSCODE,
    "counter.repair_deliver": P.REPAIRS_CREATE,
    "counter.repair_roads": P.REPAIRS_READ,
    "counter.walk_repair_road": P.REPAIRS_CREATE,
    "counter.repairs_waiting": P.REPAIRS_READ,
    "counter.repair_ways": P.REPAIRS_READ,
    "counter.receive_repair": P.REPAIRS_CREATE,
    "counter.recall_repair": P.REPAIRS_UPDATE,
    "counter.rework_repair": P.REPAIRS_CREATE,
    "counter.buy_repair": P.USED_BUY,
    "counter.add_line": P.SALES_CREATE,
    "counter.edit_line": P.SALES_CREATE,
    "counter.change_line": P.SALES_CREATE,
    "counter.remove_line": P.SALES_CREATE,
    "counter.custom_line": P.SALES_CREATE,
    "counter.units": P.SALES_CREATE,
    "counter.discount": P.SALES_CREATE,
    "counter.customer": P.SALES_CREATE,
    "counter.clear": P.SALES_CREATE,
    "counter.park": P.SALES_CREATE,
    "counter.parked": P.SALES_CREATE,
    "counter.resume": P.SALES_CREATE,
    "counter.summary": P.SALES_CREATE,
    "counter.pay": P.SALES_CREATE,
    "counter.add_tender": P.SALES_CREATE,
    "counter.remove_tender": P.SALES_CREATE,
    "counter.complete": P.SALES_CREATE,
    "counter.print_state": P.SALES_CREATE,
    "counter.reprint": P.SALES_READ,
    "counter.manifest_of": P.DEVICES_UPDATE,
    "counter.load_transfer": P.DEVICES_CREATE,
    "counter.tell_manifest_key": P.SETTINGS_UPDATE,
    "counter.drawer": P.CLOSURES_CREATE,
    "counter.open_drawer_session": P.CLOSURES_CREATE,
    "counter.close_drawer_session": P.CLOSURES_CREATE,
    "counter.keep_drawer_count": P.CLOSURES_CREATE,
    "counter.move_drawer_money": P.CLOSURES_CREATE,
    "counter.accept_drawer": P.CLOSURES_CREATE,
    "counter.submit_day": P.CLOSURES_CREATE,
    "devices.printers": P.PRINTERS_USE,
    "devices.jobs": P.PRINTERS_USE,
    "devices.preview": P.PRINTERS_USE,
    "devices.save_printer": P.PRINTERS_MANAGE,
    "devices.remove_printer": P.PRINTERS_MANAGE,
    "devices.test_print": P.PRINTERS_USE,
}

OFFICE: Access = {
    **STOCK,
    **HOUSE,
    **PEOPLE,
    "office.telephone": P.SETTINGS_UPDATE,
    "office.answer_telephone": P.SETTINGS_UPDATE,
    "office.set_up_telephone": P.SETTINGS_UPDATE,
    "office.remove_telephone": P.SETTINGS_UPDATE,
    "office.sales": P.SALES_READ,
    "office.export_sales": P.REPORTS_EXPORT,
    "office.sale": P.SALES_READ,
    "office.receipt_png": P.SALES_READ,
    "office.receipt_pdf": P.SALES_READ,
    "office.approve_sale": P.SALES_APPROVE,
    "office.reject_sale": P.SALES_APPROVE,
    "office.lock_sale": P.SALES_LOCK,
    "office.unlock_sale": P.SALES_LOCK,
    "office.void_sale": P.SALES_DELETE,
    "office.reverse_sale": P.SALES_REVERSE,
    "office.amend_sale": P.SALES_UPDATE,
    "office.pay_refund": P.SALES_CREATE,
    "office.products": P.PRODUCTS_READ,
    "office.export_products": P.REPORTS_EXPORT,
    "office.new_product": P.PRODUCTS_CREATE,
    "office.product": P.PRODUCTS_READ,
    "office.save_product": P.PRODUCTS_UPDATE,
    "office.archive_product": P.PRODUCTS_DELETE,
    "office.product_photo": P.PRODUCTS_READ,
    "office.set_photo": P.PRODUCTS_UPDATE,
    "office.merge_product": P.PRODUCTS_DELETE,
    "office.imports": P.DEVICES_CREATE,
    "office.import_file": P.DEVICES_CREATE,  # of one kind at least; which ones is asked for each
    "office.import_template": P.DEVICES_CREATE,
    "office.phones": P.DEVICES_READ,
    "office.phone": P.DEVICES_READ,
    "office.change_phone": P.DEVICES_UPDATE,
    "office.customers": P.CUSTOMERS_READ,
    "office.customer": P.CUSTOMERS_READ,
    "office.take_customer_payment": P.ACCOUNTS_COLLECT,
    "office.customers_owing": P.CUSTOMERS_READ,
    "office.new_customer": P.CUSTOMERS_CREATE,
    "office.customer_number": P.CUSTOMERS_READ,
    "office.edit_customer": P.CUSTOMERS_UPDATE,
    "office.archive_customer": P.CUSTOMERS_DELETE,
    "office.merge_customer": P.CUSTOMERS_DELETE,
    "office.erase_customer": P.CUSTOMERS_ERASE,
    "office.set_customer_credit": P.CUSTOMERS_CREDIT,
    "office.customer_account": P.CUSTOMERS_READ,
    "office.write_customer_account": P.ACCOUNTS_COLLECT,
    "office.correct_customer_account": P.CUSTOMERS_CREDIT,
    "office.customer_statement": P.CUSTOMERS_READ,
    "office.customer_purchases": P.SALES_READ,
    "office.all_price_lists": P.PRODUCTS_READ,
    "office.price_list": P.PRODUCTS_READ,
    "office.new_price_list": P.PRODUCTS_UPDATE,
    "office.set_list_price": P.PRODUCTS_UPDATE,
    "office.rename_price_list": P.PRODUCTS_UPDATE,
    "office.archive_price_list": P.PRODUCTS_UPDATE,
    "office.financiers": P.FINANCIERS_MANAGE,
    "office.financier": P.FINANCIERS_MANAGE,
    "office.new_financier": P.FINANCIERS_MANAGE,
    "office.save_financier": P.FINANCIERS_MANAGE,
    "office.archive_financier": P.FINANCIERS_MANAGE,
    "office.settle_financier": P.FINANCIERS_MANAGE,
    "office.charge_financier_back": P.FINANCIERS_MANAGE,
    "office.all_plans": P.ACCOUNTS_COLLECT,
    "office.plan": P.ACCOUNTS_COLLECT,
    "office.exports": P.AUDIT_READ,
    "office.staff": P.STAFF_READ,
    "office.new_person": P.STAFF_CREATE,
    "office.person": P.STAFF_READ,
    "office.save_person": P.STAFF_UPDATE,
    "office.step_of_person": P.STAFF_SUSPEND,
    "office.archive_person": P.STAFF_DELETE,
    "office.give_password": P.STAFF_UPDATE,
    "office.choose_for_person": P.STAFF_UPDATE,
    "office.journal": P.AUDIT_READ,
    "office.journal_entry": P.AUDIT_READ,
    "office.chains": P.AUDIT_READ,
    "office.chain": P.AUDIT_READ,
    "office.journal_file": P.AUDIT_READ,
    "office.verify_script": P.AUDIT_READ,
    "office.signals": P.AUDIT_READ,
    "office.transfers": P.DEVICES_READ,
    "office.transfer": P.DEVICES_READ,
    "office.send_phones": P.DEVICES_UPDATE,
    "office.receive_phones": P.DEVICES_CREATE,
    "office.take_back": P.DEVICES_UPDATE,
    "office.invoice_pdf": P.SALES_READ,
    "office.statement_pdf": P.CUSTOMERS_READ,
    "office.order_pdf": P.SUPPLIERS_READ,
    "office.manifest_pdf": P.DEVICES_READ,
    "office.agreement_pdf": P.USED_BUY,
    "office.print_slip": P.PRINTERS_USE,
    "office.labels": P.PRODUCTS_READ,
    "office.labels_pdf": P.PRODUCTS_READ,
    "office.label_png": P.PRODUCTS_READ,
    "office.print_labels": P.PRINTERS_USE,
}


def install_access(app: Flask, *tables: Access) -> None:
    """Shut every page that no table opens. Call after `request.install`, whose context it asks."""
    whole: dict[str, StrEnum] = {}
    for table in tables:
        whole.update(table)
    app.extensions["access"] = whole

    @app.before_request
    def may_enter() -> None:
        if request.endpoint is not None:
            check_access(whole, request.endpoint)


def check_access(table: Access, endpoint: str) -> None:
    """Raises NotSignedIn or NotPermitted unless the page is open to whoever asks."""
    needed = table.get(endpoint)
    if needed == Open.PUBLIC:
        return
    if g.ctx is None:
        raise NotSignedIn
    if needed is None or (needed != Open.SIGNED_IN and needed not in g.may):
        raise NotPermitted
