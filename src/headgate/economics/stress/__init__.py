"""Contracts under stress: seeded paths of prices and shocks, and what each architecture pays."""
