"""Deterministic simulation: whole businesses, their shops and their hub in one process, with everything going wrong.

One seed is one run. The real node on real SQLCipher files, the real hub on real PostgreSQL; what is simulated is the
line between them, the clocks, the plugs and the people. docs/reliability.md says what it covers.
"""
