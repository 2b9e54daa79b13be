"""Exports: what the books say, in the formats of billing and monitoring systems."""
