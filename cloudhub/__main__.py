"""`python -m cloudhub` is the command `cloudhub`."""

from cloudhub.cli import main

main(prog_name="cloudhub")
