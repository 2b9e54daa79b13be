"""Trackers: what they tell of how work ended, one file per kind; pure."""
