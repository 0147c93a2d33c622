"""`python -m attune`."""

from attune.cli import main

main()
