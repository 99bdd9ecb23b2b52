"""What arrives from the nodes: inbox, admission, feed, conflicts, snapshots."""
