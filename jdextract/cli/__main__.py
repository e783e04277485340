"""`python -m jdextract.cli`, where the script is not on the path."""

from jdextract.cli import main

main()
