"""Replies that are verified before they are given, and what is known of such calls."""
