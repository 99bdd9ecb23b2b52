"""The hub: all shops of all tenants on PostgreSQL. It merges what nodes recorded, carries back what owners decided."""

import shopnode

assert shopnode  # loaded first, because it lets Python's collector rest while all else is loaded
