"""Cascades of calls: when they pay, and what is learned of those who verify; pure."""
