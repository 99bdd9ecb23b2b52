"""Who may open the pages of stock and buying. A part of the office's table, see access.py."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shopnode.domain.permissions import Permission

P = Permission

STOCK: Mapping[str, StrEnum] = {
    "office.suppliers": P.SUPPLIERS_READ,
    "office.supplier": P.SUPPLIERS_READ,
    "office.new_supplier": P.SUPPLIERS_MANAGE,
    "office.edit_supplier": P.SUPPLIERS_MANAGE,
    "office.archive_supplier": P.SUPPLIERS_MANAGE,
    "office.write_supplier_account": P.SUPPLIERS_MANAGE,
    "office.orders": P.SUPPLIERS_READ,
    "office.order": P.SUPPLIERS_READ,
    "office.new_order": P.ORDERS_MANAGE,
    "office.edit_order": P.ORDERS_MANAGE,
    "office.place_order": P.ORDERS_MANAGE,
    "office.cancel_order": P.ORDERS_MANAGE,
    "office.close_order": P.ORDERS_MANAGE,
    "office.find_goods": P.PRODUCTS_READ,
    "office.goods_line": P.PRODUCTS_READ,
    "office.deliveries": P.SUPPLIERS_READ,
    "office.delivery": P.SUPPLIERS_READ,
    "office.new_delivery": P.GOODS_RECEIVE,
    "office.receive_scanned": P.DEVICES_CREATE,
    "office.scan_phone": P.DEVICES_CREATE,
    "office.stocktakes": P.STOCK_COUNT,
    "office.stocktake": P.STOCK_COUNT,
    "office.scan_stock": P.STOCK_COUNT,
    "office.find_to_count": P.STOCK_COUNT,
    "office.ask_count": P.STOCK_COUNT,
    "office.count_stock": P.STOCK_COUNT,
    "office.submit_stocktake": P.STOCK_COUNT,
    "office.reopen_stocktake": P.STOCK_APPROVE_COUNT,
    "office.cancel_stocktake": P.STOCK_APPROVE_COUNT,
    "office.approve_stocktake": P.STOCK_APPROVE_COUNT,
    "office.reorder": P.ORDERS_MANAGE,
    "office.value_of_stock": P.PRODUCTS_SEE_COST,
    "office.movements": P.PRODUCTS_READ,
    "office.adjust_stock": P.PRODUCTS_ADJUST_STOCK,
    "office.supplier_returns": P.SUPPLIERS_READ,
    "office.supplier_return": P.SUPPLIERS_READ,
    "office.send_to_supplier": P.DEVICES_UPDATE,
    "office.end_supplier_return": P.SUPPLIERS_MANAGE,
}
