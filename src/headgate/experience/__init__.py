"""What workers learn from calls and share: its forms, how they are merged, how it is kept."""
