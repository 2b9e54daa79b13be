"""What the steward answers of control requests: one file per resource."""
