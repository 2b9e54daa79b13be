"""What looks at an answer and says whether it will do; each file is one verifier, all are pure."""
