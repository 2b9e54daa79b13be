"""How providers are asked about batches, found by their `KIND`."""
