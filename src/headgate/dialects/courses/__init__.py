"""How each dialect's conversations went so far: who said, called and returned what."""
