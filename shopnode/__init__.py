"""One shop: the process on its PC that sells, prints and keeps the books, with or without the internet."""

import gc

# Half a million objects are loaded and stay. Python would look for rubbish among them five hundred times: a sixth of
# the time until a command answers. What a process that serves does about it later: shopnode/domain/collector.py.
gc.set_threshold(50_000, 20, 100)
