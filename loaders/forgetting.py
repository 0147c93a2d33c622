"""Takes an erased user out of what loads keep to be recognised by."""

import io
from pathlib import Path

import polars as pl

from loaders import stage


def forget(home: Path, user_id: str) -> int:
    """Remove the user's events from the samples of all loads of this home; return how many went.

    What is left of a sample recognises its load as before. Refused rows are not looked into: they are the shop's own
    text, in columns of any name.
    """
    gone = 0
    for path in sorted((home / stage.LOADS).glob(f"*/{stage.SAMPLE}")):
        sample = pl.read_parquet(path)
        kept = sample.filter(pl.col("user_id") != user_id)
        if kept.height < sample.height:
            written = io.BytesIO()
            kept.write_parquet(written)
            stage.write_atomically(path, written.getvalue())
            gone += sample.height - kept.height
    return gone
