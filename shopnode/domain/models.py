"""Every table of the domain, imported once so that the mapper and the migrations know them all."""

from shopnode.domain.aliases import models as aliases
from shopnode.domain.cash import models as cash
from shopnode.domain.catalogue import models as catalogue
from shopnode.domain.customers import models as customers
from shopnode.domain.handsets import models as handsets
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Counter, FieldState, Installation
from shopnode.domain.people import models as people
from shopnode.domain.photos import models as photos
from shopnode.domain.printing import models as printing
from shopnode.domain.sales import models as sales
from shopnode.domain.settings import models as settings
from shopnode.domain.stock import models as stock

__all__ = [
    "Counter", "FieldState", "Installation", "JournalEntry", "aliases", "cash", "catalogue", "customers", "handsets",
    "people", "photos", "printing", "sales", "settings", "stock",
]  # fmt: skip
