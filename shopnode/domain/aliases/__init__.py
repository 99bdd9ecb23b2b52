"""Duplicates: two records of one thing, merged by naming one of them the other's alias. Facts are never rewritten."""
