"""How credentials that expire are got from whoever issues them: one file per kind."""
