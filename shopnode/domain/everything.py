"""Every table, action and projection of the domain, imported once so that the door knows them all."""

from shopnode.domain import models
from shopnode.domain.cash import actions as cash
from shopnode.domain.catalogue import actions as catalogue
from shopnode.domain.catalogue import projections as catalogue_projections
from shopnode.domain.customers import actions as customers
from shopnode.domain.handsets import actions as handsets
from shopnode.domain.people import actions as people
from shopnode.domain.sales import actions as sales
from shopnode.domain.sales import amending, decisions
from shopnode.domain.sales import projections as sales_projections
from shopnode.domain.settings import actions as settings
from shopnode.domain.stock import actions as stock
from shopnode.domain.stock import projections as stock_projections

__all__ = [
    "amending", "cash", "catalogue", "catalogue_projections", "customers", "decisions", "handsets", "models", "people",
    "sales", "sales_projections", "settings", "stock", "stock_projections",
]  # fmt: skip
