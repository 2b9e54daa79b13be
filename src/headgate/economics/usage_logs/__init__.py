"""Usage that other programs wrote down: read, priced at the time of use, kept in `usage.db`."""
