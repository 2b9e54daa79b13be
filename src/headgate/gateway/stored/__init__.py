"""What providers keep of calls, shown to whom it belongs; see `routes.py`."""
