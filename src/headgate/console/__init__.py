"""The web pages of a node: live, without a build step."""
