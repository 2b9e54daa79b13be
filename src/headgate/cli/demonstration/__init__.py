"""The demonstration: simulated providers, a node, real clients, a live picture, checked books."""
