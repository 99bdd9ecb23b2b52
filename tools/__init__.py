"""Helpers of the house that people start by `make`; nothing here ships to a shop."""
