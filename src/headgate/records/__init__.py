"""Every value that crosses floors, and the protocols a lower room calls a higher one by."""
