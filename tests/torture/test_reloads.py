"""A configuration is taken up and workers are restarted under many open streams."""

from pathlib import Path

import pytest

from tests.torture.reloads import Given, run


@pytest.mark.slow
def test_no_client_sees_reloads_and_restarts(tmp_path: Path) -> None:
    """Every stream comes whole, every call over a kept connection is answered, each is billed
    once; `make torture-reloads` makes it 1,000 reloads.
    """
    seen = run(tmp_path, Given(reloads=4, restarts=2, streams=50))

    assert seen.reloads == 4, seen.refused
    assert not seen.broken, seen.broken[:2]
    assert seen.whole >= 50
    assert not seen.failed, seen.failed[:2]
    assert seen.answered >= 50
