"""Comparing the books with what providers say they charged."""
