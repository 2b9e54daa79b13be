"""What `headgate routing` prints for people."""
