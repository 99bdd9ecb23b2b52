"""`make bench`: how fast the hot paths are, as ratios within one run on this machine.

Each figure is compared with the shortest honest way to the same result, measured in the same minutes, because absolute
times of a shared machine say little. Nothing here is a test; budgets are printed beside the figures.
"""
