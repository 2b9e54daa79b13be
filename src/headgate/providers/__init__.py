"""One file per kind of provider: where and how to ask it, what its errors and counts mean; pure."""
