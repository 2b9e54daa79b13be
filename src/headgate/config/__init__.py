"""Assembles each room's settings from one TOML file; every problem at once, with file and key."""
