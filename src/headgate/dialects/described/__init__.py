"""How dialects are described to testers and clients: a plain request, and what replies have."""
