"""Gives the processes of a node crash points, where its folder is on PYTHONPATH."""

from tests.torture.crash_points import install

install()
