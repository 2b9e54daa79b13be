"""What is required of calls, beyond who may make them."""
