"""Printing: which printers there are, and what waits to be printed. The hardware is in `shopnode/devices`."""
