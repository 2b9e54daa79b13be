"""Events of what was used, one file per receiver's format."""
