"""What a worker learns from its calls, and hears from other workers."""
