"""Used phones: bought from people, checked, valued, held back, made ready and sold again."""
