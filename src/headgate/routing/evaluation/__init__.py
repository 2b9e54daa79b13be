"""How good a router is, measured against single models and against mixing them at random.

Everything but `load.py` is a function of its arguments; the clock that times decisions is one of
them. It needs NumPy and PyArrow, which the extra `learn` installs.
"""
