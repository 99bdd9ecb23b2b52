"""Plans: goods kept for a customer who pays bit by bit, without interest."""
