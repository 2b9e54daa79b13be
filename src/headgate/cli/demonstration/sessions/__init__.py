"""`headgate demo --sessions`: what is promised of sessions, measured on a node."""
