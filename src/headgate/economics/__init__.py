"""The desk: usage logs, plans, and what spending comes to; nothing here is on a call's path."""
