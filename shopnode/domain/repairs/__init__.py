"""Repairs: from the intake at the counter to the delivery against its balance."""
