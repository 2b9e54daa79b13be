"""A child never may do what one above it may not: over random chains, by brute force."""

import random
from itertools import product

import pytest

from headgate.identity.grant import DEPTH_MAX, Asked, Grant, narrow
from headgate.units import errors
from headgate.units.errors import Refusal

MODELS = ("fast", "careful", "deep")
TOOLS = ("search", "shell")
INSTANTS = (10, 20, 30)
AMOUNTS = (0, 5, 50)
QUICK, ALL = 10_000, 100_000


def permits(grant: Grant, model: str, tool: str | None, at_ns: int, nanos: int) -> bool:
    """Tell whether a grant allows one call, each side looked at by itself."""
    return (
        (grant.models is None or model in grant.models)
        and (tool is None or grant.tools is None or tool in grant.tools)
        and (grant.until_ns is None or at_ns < grant.until_ns)
        and (grant.money_nanos is None or nanos <= grant.money_nanos)
    )


CALLS = tuple(product(MODELS, (None, *TOOLS), (5, 15, 25, 35), (0, 5, 6, 50, 51)))


def some(chance: random.Random, names: tuple[str, ...]) -> frozenset[str] | None:
    if chance.random() < 0.4:
        return None
    return frozenset(name for name in names if chance.random() < 0.7)


def asked(chance: random.Random) -> Asked:
    return Asked(
        "a",
        models=some(chance, MODELS),
        tools=some(chance, TOOLS),
        until_ns=chance.choice((None, *INSTANTS)),
        money_nanos=chance.choice((None, *AMOUNTS)),
        depth=chance.choice((None, None, 0, 1, 3, 7, 8)),
    )


def check_chains(count: int) -> int:
    """Grow chains, trying several children at each generation; returns how many grew."""
    chance = random.Random(20)
    grown = 0
    for _ in range(count):
        chain = [Grant(models=some(chance, MODELS))]
        for _ in range(chance.randint(1, 9)):
            child = narrow(chain[-1], asked(chance))
            if isinstance(child, Refusal):
                assert child.code in (errors.DELEGATION_WIDENED, errors.DELEGATION_TOO_DEEP)
                continue
            chain.append(child)
            grown += 1
        last = chain[-1]
        for above in chain[:-1]:
            assert last.depth < above.depth and above.covers(last)
        for call in chance.sample(CALLS, 3):
            if permits(last, *call):
                assert all(permits(above, *call) for above in chain), (call, chain)
        assert len(chain) <= DEPTH_MAX + 1
    return grown


def test_no_random_chain_widens() -> None:
    """Whatever the last of a chain permits, every one above it permits, and it is less deep."""
    assert check_chains(QUICK) > QUICK


@pytest.mark.slow
def test_no_random_chain_widens_in_a_hundred_thousand() -> None:
    """The same over a hundred thousand chains."""
    assert check_chains(ALL) > ALL


PARENT = Grant(frozenset({"fast"}), frozenset({"search"}), 20, 50, 3)


@pytest.mark.parametrize(
    "more",
    [
        Asked("a", models=frozenset({"fast", "deep"})),
        Asked("a", tools=frozenset({"search", "shell"})),
        Asked("a", until_ns=21),
        Asked("a", money_nanos=51),
        Asked("a", depth=3),
    ],
    ids=["models", "tools", "until", "money", "depth"],
)
def test_who_asks_for_more_is_refused_and_not_narrowed(more: Asked) -> None:
    """A child that asks for more than its parent has is told so, whichever side it is."""
    refused = narrow(PARENT, more)

    assert isinstance(refused, Refusal) and refused.code is errors.DELEGATION_WIDENED


def test_what_is_not_said_is_as_it_is_above() -> None:
    """A child that asks for nothing has what its parent has, but for one generation."""
    assert narrow(PARENT, Asked("a")) == PARENT._replace(depth=2)


def test_the_last_generation_has_no_children() -> None:
    """A grant of depth 0 cannot be handed on."""
    refused = narrow(PARENT._replace(depth=0), Asked("a"))

    assert isinstance(refused, Refusal) and refused.code is errors.DELEGATION_TOO_DEEP
