"""The command line: `minivae train | sample | reconstruct | interpolate | evaluate | gradcheck | info`."""

from minivae.cli.main import main

__all__ = ["main"]
