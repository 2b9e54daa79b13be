"""The budget tree: who is limited by what, in which period, and how it stands."""
