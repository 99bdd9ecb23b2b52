"""Cash: the drawer, whose session it is, and what must be in it."""
