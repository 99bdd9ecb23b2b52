"""Returns: goods that come back after a sale, by unit and by line, and what is claimed under warranty."""
