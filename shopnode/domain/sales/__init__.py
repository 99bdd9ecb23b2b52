"""Sales: what was sold, how it was paid, and every later decision about it."""
