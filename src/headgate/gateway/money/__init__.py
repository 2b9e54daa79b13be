"""A call's money: the paths it is held on, what it is held for, what is posted."""
