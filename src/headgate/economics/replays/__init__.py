"""Past calls through another policy: what they would have cost, and how good they would be."""
