"""The owner's own screens: all shops at a glance, conflicts, devices; beside the mounted office and API."""
