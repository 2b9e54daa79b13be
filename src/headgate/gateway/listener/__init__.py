"""Where clients come in: the socket that is listened on, TLS, and who is really there."""
