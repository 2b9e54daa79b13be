"""The clients of the matrix: one file each, which says the same things in that client's words."""
