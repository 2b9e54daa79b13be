"""What `headgate init` is made of: what is found, what is asked, and the proof."""
