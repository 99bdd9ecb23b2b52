"""Customers' accounts: what they owe, what is kept for them, the points they earned."""
