"""Subscriptions: how much of one is used, what that is worth, and who gains."""
