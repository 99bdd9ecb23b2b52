"""Settings: the business's own choices, typed, with defaults."""
