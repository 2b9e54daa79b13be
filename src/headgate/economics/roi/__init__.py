"""What a finished task costs, beside a person, and how long work can run unattended."""
