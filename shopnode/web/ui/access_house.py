"""Who may open the pages of expenses, days, notices, settings and jobs. A part of the office's table, see access.py."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shopnode.domain.permissions import Permission

P = Permission

HOUSE: Mapping[str, StrEnum] = {
    "office.expenses": P.EXPENSES_READ,
    "office.new_expense": P.EXPENSES_CREATE,
    "office.expense": P.EXPENSES_READ,
    "office.expense_receipt": P.EXPENSES_READ,
    "office.add_expense_receipt": P.EXPENSES_CREATE,
    "office.approve_expense": P.EXPENSES_APPROVE,
    "office.reject_expense": P.EXPENSES_APPROVE,
    "office.pay_expense": P.EXPENSES_CREATE,
    "office.withdraw_expense": P.EXPENSES_CREATE,
    "office.expense_plan": P.EXPENSES_READ_ALL,
    "office.set_budget": P.EXPENSES_APPROVE,
    "office.add_recurring": P.EXPENSES_APPROVE,
    "office.end_recurring": P.EXPENSES_APPROVE,
    "office.notices": P.NOTICES_READ,
    "office.notice": P.NOTICES_READ,
    "office.notice_badge": P.NOTICES_READ,
    "office.read_all_notices": P.NOTICES_READ,
    "office.settings": P.SETTINGS_UPDATE,
    "office.save_settings": P.SETTINGS_UPDATE,
    "office.save_business": P.SETTINGS_UPDATE,
    "office.save_shop": P.SETTINGS_UPDATE,
    "office.jobs": P.JOBS_READ,
    "office.closures": P.CLOSURES_READ,
    "office.submit_closure": P.CLOSURES_CREATE,
    "office.closure": P.CLOSURES_READ,
    "office.correct_closure": P.CLOSURES_UPDATE,
    "office.decide_closure": P.CLOSURES_REVIEW,
    "office.z_reports": P.CLOSURES_READ,
    "office.z_report": P.CLOSURES_READ,
    "office.z_report_pdf": P.CLOSURES_READ,
    "office.accept_z_report": P.CLOSURES_CREATE,
    "office.x_report_now": P.CLOSURES_READ,
    "office.x_report_pdf": P.CLOSURES_READ,
    "office.cash_slips": P.CLOSURES_READ,
    "office.cash_slip": P.CLOSURES_READ,
    "office.cash_slip_photo": P.CLOSURES_READ,
    "office.confirm_cash_slip": P.CLOSURES_UPDATE,
}
