"""The catalogue: what the shop sells, at which price, and how it is found."""
