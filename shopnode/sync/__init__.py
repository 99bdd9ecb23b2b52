"""The node's side of the exchange with the hub, and the tables it needs for that."""
