"""What comes back about calls, and what is learned of it: outcomes, drift, exploring, the arena.

Everything here is a function of its arguments; the steward reads votes and keeps what is learned.
"""
