"""What the hub does for itself: backups that were really restored, rebuilding, nightly jobs."""
