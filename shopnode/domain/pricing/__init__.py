"""Pricing: lists for kinds of customers, quantity breaks, and what a bundle is made of."""
