"""The calls that nodes make (protocol.md 3): one file each, all through one door."""
