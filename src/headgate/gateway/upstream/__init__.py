"""The provider's side: connections and their pools, deployments resolved."""
