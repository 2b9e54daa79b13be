"""Which model serves a session: who is in it, how it is doing, and what a switch would cost."""
