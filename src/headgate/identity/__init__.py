"""Principals, credentials and what they may ask for."""
