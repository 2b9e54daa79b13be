"""A month sent again under shocks: the configuration, the providers' stand-ins, the runs."""
