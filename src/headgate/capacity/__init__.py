"""What a deployment can serve at once, and who waits for it."""
