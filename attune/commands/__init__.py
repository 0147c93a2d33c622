"""What can be typed: the options of each command, and the room that does it.

Rooms are imported inside the functions: `attune serve` must start without torch and polars, and `--help` at once.
"""
