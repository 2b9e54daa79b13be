"""The wire formats of batches, found by their `KIND`."""
