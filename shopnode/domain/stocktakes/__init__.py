"""Stocktakes: what is really on the shelf, counted or scanned, and what is done about the difference."""
