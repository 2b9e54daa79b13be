"""Batches and files at the edge; see `routes.py`."""
