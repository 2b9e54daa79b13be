"""Ending a stream as its dialect ends one whose output limit is reached; one file per dialect."""
