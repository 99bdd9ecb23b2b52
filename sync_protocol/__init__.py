"""The language shop nodes and the hub speak: messages, canonical form, chain, merge rules, signatures, limits.

Ground floor: imports nothing of ours and knows no tables.
"""
