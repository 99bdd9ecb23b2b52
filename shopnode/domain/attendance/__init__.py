"""When people came and went."""
