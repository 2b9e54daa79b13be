"""Tasks of one's own as a measure of models: the suite, the checks, the comparison."""
