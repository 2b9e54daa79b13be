"""A past period as it would have been: under other prices, by other models, with what that adds."""
