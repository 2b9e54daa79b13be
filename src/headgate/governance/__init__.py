"""Governance: what a person is asked about, who may answer, and what the answer binds."""
