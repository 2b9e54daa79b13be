"""The larger subcommands of `headgate prices`, one file each; `prices.py` lists them."""
