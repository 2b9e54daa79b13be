"""Schema steps in order."""
