"""Routing policies, one file each; a policy orders attempts and is found by its `KIND`."""
