"""The economics desk: plans, claims, vendors, contracts, and what a finished task costs."""
