"""The hub: all shops of all tenants on PostgreSQL. It merges what nodes recorded, carries back what owners decided."""
