"""What several workers tell of their deployments is one answer."""

from headgate.insights.routes import Queued
from headgate.node.messages import Crowd, Heed, Message, Unwell
from headgate.node.rows import QueuedRow, UnwellRow
from headgate.node.told import Told


def test_who_waits_is_summed_over_workers() -> None:
    """Places and calls of a team add up; a worker that is gone counts no more."""
    told = Told()
    told.hear("w0-1", Crowd((QueuedRow("mini", "batch", "red", 3, 2, 5),)))
    told.hear("w1-1", Crowd((QueuedRow("mini", "batch", "red", 3, 1, 4),)))
    both = told.queued()
    told.forget("w0-1")

    assert both == (Queued("mini", "batch", "red", 3, 3, 9),)
    assert told.queued() == (Queued("mini", "batch", "red", 3, 1, 4),)


def test_a_deployment_is_passed_over_until_the_latest_instant() -> None:
    """That any worker names; what one says takes the place of what it said before."""
    told = Told()
    told.hear("w0-1", Unwell((UnwellRow("mini", "throttled", 9),)))
    told.hear("w1-1", Unwell((UnwellRow("mini", "breaker_open", 20),)))
    assert [row.until_ns for row in told.health().deployments] == [20]

    told.hear("w1-1", Unwell(()))

    assert told.passed_over()["mini"] == ("throttled", 9)


def test_what_one_worker_finds_is_told_to_the_others_once() -> None:
    """Only what is new, and not to whom it comes from."""
    said: list[tuple[str, Message]] = []
    told = Told(["w0-1", "w1-1", "w2-1"], lambda worker, message: said.append((worker, message)))
    open_, throttled = UnwellRow("mini", "breaker_open", 20), UnwellRow("flash", "throttled", 9)
    told.hear("w0-1", Unwell((open_,)))
    told.hear("w0-1", Unwell((open_, throttled)))
    told.hear("w0-1", Unwell((throttled,)))

    assert said == [
        ("w1-1", Heed((open_,))),
        ("w2-1", Heed((open_,))),
        ("w1-1", Heed((throttled,))),
        ("w2-1", Heed((throttled,))),
    ]
