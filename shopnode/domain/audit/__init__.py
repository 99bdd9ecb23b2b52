"""Looking into the journal: who did what, whether the chain is whole, and what an owner should ask about."""
