"""Entries of main logs as columns: the tables of `eximkit logs --format parquet`."""
