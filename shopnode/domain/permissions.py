"""Who may do what: the seed's matrix as data.

A permission is what an action needs; a role is a set of permissions. Limits (how much, how far below the
price) are settings, not permissions. Source: the seed specification, "User Roles & Permissions Matrix".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    OWNER = "Owner"
    SUPERVISOR = "Supervisor"
    STAFF = "Staff"


class Permission(StrEnum):
    SALES_CREATE = "sales:create"
    SALES_READ = "sales:read"
    SALES_READ_ALL = "sales:read-all"  # without it a person sees their own sales only
    SALES_UPDATE = "sales:update"
    SALES_DELETE = "sales:delete"
    SALES_APPROVE = "sales:approve"
    SALES_LOCK = "sales:lock"
    SALES_REVERSE = "sales:reverse"
    SALES_RETURN = "sales:return"  # take goods back at the counter, within the limits
    LIMITS_APPROVE = "limits:approve"  # may stand as the second person when somebody's limit is passed
    DEVICES_CREATE = "devices:create"
    DEVICES_READ = "devices:read"
    DEVICES_UPDATE = "devices:update"
    PRODUCTS_CREATE = "products:create"
    PRODUCTS_READ = "products:read"
    PRODUCTS_UPDATE = "products:update"
    PRODUCTS_DELETE = "products:delete"
    PRODUCTS_ADJUST_STOCK = "products:adjust-stock"
    PRODUCTS_SEE_COST = "products:see-cost"  # cost and margin: Owners only
    SUPPLIERS_READ = "suppliers:read"
    SUPPLIERS_MANAGE = "suppliers:manage"
    ORDERS_MANAGE = "orders:manage"
    GOODS_RECEIVE = "goods:receive"
    STOCK_COUNT = "stock:count"
    STOCK_APPROVE_COUNT = "stock:approve-count"
    USED_BUY = "used:buy"
    IDENTITIES_READ = "identities:read"  # who sold us a used phone; every look is written down
    CUSTOMERS_CREATE = "customers:create"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_UPDATE = "customers:update"
    CUSTOMERS_DELETE = "customers:delete"
    CUSTOMERS_CREDIT = "customers:credit"  # set limits, write corrections
    CUSTOMERS_ERASE = "customers:erase"
    ACCOUNTS_COLLECT = "accounts:collect"  # take payments on account, keep plans
    FINANCIERS_MANAGE = "financiers:manage"
    REPAIRS_CREATE = "repairs:create"
    REPAIRS_READ = "repairs:read"
    REPAIRS_UPDATE = "repairs:update"
    REPAIRS_DELETE = "repairs:delete"
    REPAIRS_ASSIGN = "repairs:assign"
    REPAIRS_COMPLETE = "repairs:complete"
    REPAIRS_SKIP_CHECK = "repairs:skip-check"  # complete without the quality check
    REPAIRS_SEE_PASSCODE = "repairs:see-passcode"  # every look is written down
    CLOSURES_CREATE = "closures:create"
    CLOSURES_READ = "closures:read"
    CLOSURES_UPDATE = "closures:update"  # correct a day's closure, take over a drawer, confirm a deposit
    CLOSURES_REVIEW = "closures:review"
    CLOSURES_APPROVE = "closures:approve"  # approve, reject and lock; a Supervisor within the limit
    CLOSURES_DELETE = "closures:delete"
    STAFF_CREATE = "staff:create"
    STAFF_READ = "staff:read"
    STAFF_UPDATE = "staff:update"
    STAFF_DELETE = "staff:delete"
    STAFF_SUSPEND = "staff:suspend"
    OWN_CREDENTIALS = "own:credentials"
    REPORTS_EXPORT = "reports:export"
    AUDIT_READ = "audit-logs:read"
    PRINTERS_USE = "printers:use"
    PRINTERS_MANAGE = "printers:manage"
    EXPENSES_CREATE = "expenses:create"
    EXPENSES_READ = "expenses:read"
    EXPENSES_READ_ALL = "expenses:read-all"  # without it a person sees what they asked for themselves
    EXPENSES_UPDATE = "expenses:update"
    EXPENSES_DELETE = "expenses:delete"
    EXPENSES_APPROVE = "expenses:approve"  # decide, set budgets, and agree on what comes again
    NOTICES_READ = "notices:read"
    JOBS_READ = "jobs:read"
    SETTINGS_UPDATE = "settings:update"
    CONFLICTS_RESOLVE = "conflicts:resolve"


P = Permission

_STAFF = frozenset({
    P.SALES_CREATE, P.SALES_READ, P.DEVICES_CREATE, P.DEVICES_READ, P.PRODUCTS_READ, P.CUSTOMERS_CREATE,
    P.CUSTOMERS_READ, P.CLOSURES_CREATE, P.CLOSURES_READ, P.OWN_CREDENTIALS, P.PRINTERS_USE,
    P.SALES_RETURN, P.STOCK_COUNT, P.USED_BUY, P.ACCOUNTS_COLLECT, P.EXPENSES_CREATE, P.EXPENSES_READ, P.NOTICES_READ,
    P.REPAIRS_CREATE, P.REPAIRS_READ,
})  # fmt: skip
_SUPERVISOR = _STAFF | {
    P.SALES_READ_ALL, P.SALES_UPDATE, P.LIMITS_APPROVE, P.DEVICES_UPDATE, P.PRODUCTS_ADJUST_STOCK,
    P.CUSTOMERS_UPDATE, P.STAFF_READ, P.REPORTS_EXPORT, P.PRINTERS_MANAGE,
    P.SUPPLIERS_READ, P.ORDERS_MANAGE, P.GOODS_RECEIVE, P.STOCK_APPROVE_COUNT, P.EXPENSES_READ_ALL,
    P.REPAIRS_UPDATE, P.REPAIRS_ASSIGN, P.REPAIRS_COMPLETE, P.REPAIRS_SKIP_CHECK, P.REPAIRS_SEE_PASSCODE,
    P.CLOSURES_UPDATE, P.CLOSURES_REVIEW, P.CLOSURES_APPROVE,
}  # fmt: skip

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.SUPERVISOR: _SUPERVISOR,
    Role.STAFF: _STAFF,
}

# What stays with owners whatever is chosen for a person: who has it could give themselves the rest.
OWNERS_ALONE = frozenset({
    P.STAFF_CREATE, P.STAFF_UPDATE, P.STAFF_DELETE, P.STAFF_SUSPEND, P.SETTINGS_UPDATE, P.CONFLICTS_RESOLVE,
})  # fmt: skip
NEVER_TAKEN = frozenset({P.OWN_CREDENTIALS})
GIVEN, TAKEN = "yes", "no"


def permissions_of(role: Role, choices: Iterable[tuple[str, str]]) -> frozenset[Permission]:
    """What a person may: their role's, with what an owner gave or took. Choices about an owner change nothing.

    choices  (permission, "yes" or "no"); what is no permission of this version is passed over
    """
    base = ROLE_PERMISSIONS[role]
    if role is Role.OWNER:
        return base
    known = {(Permission(key), value) for key, value in choices if key in _KNOWN}
    given = {key for key, value in known if value == GIVEN} - OWNERS_ALONE
    taken = {key for key, value in known if value == TAKEN} - NEVER_TAKEN
    return (base | given) - taken


_KNOWN = frozenset(permission.value for permission in Permission)
