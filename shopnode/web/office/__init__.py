"""Lists, details and reports; either home, the node or the hub, mounts them."""
