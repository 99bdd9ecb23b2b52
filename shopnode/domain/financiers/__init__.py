"""Financiers: firms that pay for a customer's phone and are paid back by the customer (Watu, M-KOPA and the like)."""
