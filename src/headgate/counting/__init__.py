"""How many tokens a prompt has, before anybody is asked."""
