"""People: the business, its shops, the staff who work there, how they prove who they are."""
