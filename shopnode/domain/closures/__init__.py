"""The day of a shop, added up from its drawer sessions, submitted and decided."""
