"""Statements of articles as claims: inputs, a formula, what it should give, what it does give."""
