"""How each dialect's prompts divide into the blocks that providers cache, one file each."""
