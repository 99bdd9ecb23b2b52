"""What the shop spends: asked for, decided by an owner, paid."""
