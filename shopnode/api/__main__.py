"""Prints the table of every call, as docs/api.md has it: `python -m shopnode.api`."""

import click

from shopnode.api.mount import ROUTES
from shopnode.api.openapi import table_of

if __name__ == "__main__":
    click.echo(table_of(ROUTES, "/api"))
