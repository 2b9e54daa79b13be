"""How a connection to another machine is opened: names, addresses, TLS, proxies."""
