"""Imports every area, so that all actions and projections are registered. Entry points import this, once."""

import shopnode.domain.accounts.actions
import shopnode.domain.accounts.projections
import shopnode.domain.accounts.tenders
import shopnode.domain.accounts.unallocated
import shopnode.domain.aliases.actions
import shopnode.domain.aliases.projections
import shopnode.domain.buying.accounts
import shopnode.domain.buying.orders
import shopnode.domain.buying.receiving
import shopnode.domain.buying.returns
import shopnode.domain.buying.suppliers
import shopnode.domain.cash.actions
import shopnode.domain.catalogue.actions
import shopnode.domain.catalogue.projections
import shopnode.domain.customers.actions
import shopnode.domain.handsets.actions
import shopnode.domain.handsets.describing
import shopnode.domain.handsets.states
import shopnode.domain.handsets.transfers
import shopnode.domain.models
import shopnode.domain.people.actions
import shopnode.domain.photos.actions
import shopnode.domain.plans.actions
import shopnode.domain.printing.actions
import shopnode.domain.sales.actions
import shopnode.domain.sales.amending
import shopnode.domain.sales.decisions
import shopnode.domain.sales.projections
import shopnode.domain.settings.actions
import shopnode.domain.stock.actions
import shopnode.domain.stock.projections  # noqa: F401
