"""One file per kind of log; `registry.py` says what each must offer."""
