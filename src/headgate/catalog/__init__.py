"""What can be bought and what it costs: the dated price book and the facts of models."""
