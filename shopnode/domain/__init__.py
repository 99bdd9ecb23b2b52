"""The shop itself, on both database engines: no web, no hardware, nothing above this package.

Every change to a synced table passes through `actions.perform()`; reports and screens read through `queries`.
"""
