"""The processes of a node: supervisor, steward, worker, and how they talk."""
