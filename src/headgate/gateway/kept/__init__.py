"""Replies that are kept to be given again: of calls with a key, of equal questions."""
