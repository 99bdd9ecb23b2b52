"""Buying: suppliers, what was ordered, what arrived, and what is owed for it."""
