"""The web pages of a node: live, read-only, without a build step."""
