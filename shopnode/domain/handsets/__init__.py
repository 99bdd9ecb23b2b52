"""Handsets: the identity of a phone, and each stay of it in a shop's stock."""
