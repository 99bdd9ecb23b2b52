"""Photos of goods: named by what they contain, kept by each home, sent last."""
