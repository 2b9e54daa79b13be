"""Gives a node's processes crash points, a clock that jumps, a broken disk: on PYTHONPATH."""

import os

from tests.torture import clock
from tests.torture.clock import CLOCK
from tests.torture.crash_points import ARMED, install

if ARMED in os.environ:
    install()
if CLOCK in os.environ:
    clock.follow(os.environ[CLOCK])
if "HEADGATE_BROKEN_DISK" in os.environ:
    # The finder of crash points has to stand before anything of the product is imported.
    from tests.torture import broken_disk

    broken_disk.follow(os.environ[broken_disk.BROKEN])
