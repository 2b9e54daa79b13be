"""Interfaces that providers give their customers' administrators, one file each."""
