"""What `headgate routing` shows of what was learned: models, the arena, other policies."""
