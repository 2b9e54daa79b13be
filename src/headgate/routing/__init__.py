"""Which deployment serves a call: hard constraints first, then a policy's order."""
