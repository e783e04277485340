"""The command line. The only package that prints or exits; every command is one file.

Nothing heavy is imported before a command runs, so that `jdextract --help` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of `jdextract`."""
    from jdextract.cli.app import app

    app(prog_name="jdextract")
