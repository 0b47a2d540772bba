"""eximkit: an Exim-compatible toolkit."""

__version__ = "0.1.0"
