"""What an owner asks a node to do, kept until the node has answered. Holds nothing yet."""
