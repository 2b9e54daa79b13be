"""The economics desk: usage logs, plans, claims, vendors, contracts, finished tasks."""
