"""Gives the processes of a node crash points and a clock that jumps, where it is on PYTHONPATH."""

import os

from tests.torture.clock import CLOCK, follow
from tests.torture.crash_points import ARMED, install

if ARMED in os.environ:
    install()
if CLOCK in os.environ:
    follow(os.environ[CLOCK])
