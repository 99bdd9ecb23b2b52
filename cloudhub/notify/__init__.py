"""Mail and messages to owners, sent after commit. Holds nothing yet."""
