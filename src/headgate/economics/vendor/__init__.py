"""A vendor in the coming quarters: earnings, serving, training, debt, and how long cash lasts."""
