"""Customers: who bought, found by phone number."""
