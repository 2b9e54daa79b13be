"""Comparing a node's books with what the simulated providers bill."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from tests.node.harness import TestNode

NODE = "team:research"


@contextmanager
def booked_as_billed(node: TestNode) -> Iterator[None]:
    """Assert that what is called inside is posted at exactly what the providers bill for it."""
    node.await_nothing_held()
    booked, billed = node.standing(NODE).posted_nanos, node.simulator.bill.total
    yield
    node.await_nothing_held()
    booked = node.standing(NODE).posted_nanos - booked
    billed = node.simulator.bill.total - billed
    assert booked > 0
    assert Fraction(booked, 10**9) == billed
