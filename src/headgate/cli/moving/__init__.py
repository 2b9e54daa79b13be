"""Moving in from another gateway: what its configuration says, as a configuration of ours."""
