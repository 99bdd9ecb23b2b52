"""Imports every watcher, so that all are registered. An area that has another one adds its module here, in one line."""

import shopnode.domain.notices.drawer_watchers
import shopnode.domain.notices.repair_watchers
import shopnode.domain.notices.shop_watchers  # noqa: F401 — as all of these: looking knows their watchers
