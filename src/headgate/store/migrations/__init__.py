"""Migration scripts; `versions/` holds one file per schema step."""
