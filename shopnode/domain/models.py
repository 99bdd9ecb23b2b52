"""Every table of the domain, imported once so that the mapper and the migrations know them all."""

from shopnode.domain.accounts import models as accounts
from shopnode.domain.aliases import models as aliases
from shopnode.domain.attendance import models as attendance
from shopnode.domain.buying import models as buying
from shopnode.domain.cash import models as cash
from shopnode.domain.catalogue import models as catalogue
from shopnode.domain.closures import models as closures
from shopnode.domain.commissions import models as commissions
from shopnode.domain.customers import models as customers
from shopnode.domain.expenses import models as expenses
from shopnode.domain.financiers import models as financiers
from shopnode.domain.handsets import models as handsets
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Counter, FieldState, Installation
from shopnode.domain.notices import models as notices
from shopnode.domain.people import access_models as access
from shopnode.domain.people import models as people
from shopnode.domain.photos import models as photos
from shopnode.domain.plans import models as plans
from shopnode.domain.pricing import models as pricing
from shopnode.domain.printing import models as printing
from shopnode.domain.repairs import models as repairs
from shopnode.domain.returns import models as returns
from shopnode.domain.sales import models as sales
from shopnode.domain.settings import models as settings
from shopnode.domain.stock import models as stock
from shopnode.domain.stocktakes import models as stocktakes
from shopnode.domain.usedphones import models as usedphones

__all__ = [
    "Counter", "FieldState", "Installation", "JournalEntry", "access", "accounts", "aliases", "attendance", "buying",
    "cash", "catalogue", "closures", "commissions", "customers", "expenses", "financiers", "handsets", "notices",
    "people", "photos", "plans", "pricing", "printing", "repairs", "returns", "sales", "settings", "stock",
    "stocktakes", "usedphones",
]  # fmt: skip
