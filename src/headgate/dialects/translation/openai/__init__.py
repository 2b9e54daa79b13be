"""What OpenAI's two dialects have in common: their words, models, and much of their bodies."""
