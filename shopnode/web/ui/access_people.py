"""Who may open the pages of the staff and of one's own account. A part of the office's table, see access.py."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shopnode.domain.permissions import Permission

P = Permission

PEOPLE: Mapping[str, StrEnum] = {
    "office.account": P.OWN_CREDENTIALS,
    "office.change_own_password": P.OWN_CREDENTIALS,
    "office.end_own_session": P.OWN_CREDENTIALS,
    "office.forget_own_browser": P.OWN_CREDENTIALS,
    "office.second_proof": P.OWN_CREDENTIALS,
    "office.offer_own_second_proof": P.OWN_CREDENTIALS,
    "office.confirm_own_second_proof": P.OWN_CREDENTIALS,
    "office.drop_own_second_proof": P.OWN_CREDENTIALS,
    "office.api_keys": P.SETTINGS_UPDATE,
    "office.make_api_key": P.SETTINGS_UPDATE,
    "office.revoke_api_key": P.SETTINGS_UPDATE,
    "office.attendance": P.OWN_CREDENTIALS,
    "office.clock_step": P.OWN_CREDENTIALS,
    "office.attendance_corrections": P.OWN_CREDENTIALS,
    "office.correct_attendance": P.OWN_CREDENTIALS,
    "office.ask_attendance_correction": P.OWN_CREDENTIALS,
    "office.decide_attendance": P.LIMITS_APPROVE,
    "office.commissions": P.OWN_CREDENTIALS,  # one's own; everybody's to who may see the staff
    "office.commission_statement": P.OWN_CREDENTIALS,
    "office.book_for_person": P.LIMITS_APPROVE,
    "office.commission_rules": P.STAFF_READ,
    "office.add_commission_rule": P.STAFF_UPDATE,
    "office.end_commission_rule": P.STAFF_UPDATE,
    "office.staff_performance": P.STAFF_READ,
    "office.own_data": P.OWN_CREDENTIALS,
    "office.data_of_person": P.STAFF_UPDATE,
    "office.erase_person": P.STAFF_DELETE,
}
