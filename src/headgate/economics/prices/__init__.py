"""What the desk does with prices: rating in bulk, lists of others, what a change would cost."""
