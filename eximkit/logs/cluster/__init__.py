"""Logs counted on a Dask cluster: `eximkit logs --engine dask`."""
