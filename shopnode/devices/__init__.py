"""Printers, drawer and scanner: the only code that touches hardware."""
