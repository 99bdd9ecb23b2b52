"""`python -m shopnode` is `shopnode`."""

from shopnode.cli import main

main(prog_name="shopnode")
