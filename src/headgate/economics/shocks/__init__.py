"""A past month of one's own under shocks: what is sent again, and what became of it."""
