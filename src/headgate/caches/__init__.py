"""What providers' prompt caches hold for us, and what that is worth."""
