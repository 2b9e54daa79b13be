"""From any dialect to any other, through what all of them mean; one folder or file per dialect."""
