"""Which hub this is, for what it leaves to a newer one."""

from importlib.metadata import version

HUB_VERSION = version("phoneshop")
