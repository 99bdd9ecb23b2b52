"""The console of our own staff. Holds nothing yet."""
