"""What the ledger tells: calls, statements, checks, and the overview people watch."""
