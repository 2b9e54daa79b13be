"""Which offer for whom: seats, API, routed, committed or machines of one's own, at least cost."""
