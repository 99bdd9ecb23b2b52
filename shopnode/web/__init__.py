"""Server-rendered screens: `ui` (looks), `office` (lists, details, reports), `counter` (the selling desk)."""
