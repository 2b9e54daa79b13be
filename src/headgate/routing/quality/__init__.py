"""How well each model would answer a text, and at what cost: estimates with their terms and n.

Everything here is a function of its arguments. It needs NumPy, which the extra `learn` installs.
"""
