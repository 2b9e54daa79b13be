"""Headgate: a gateway and control plane that meters, limits and routes AI spending."""

__version__ = "0.1.0"
