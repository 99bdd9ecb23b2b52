"""Subscriptions and entitlements of tenants. Holds nothing yet."""
