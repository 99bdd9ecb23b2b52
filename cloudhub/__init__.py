"""The hub: all shops of all tenants on PostgreSQL. It merges what nodes recorded and carries back what owners decided."""
