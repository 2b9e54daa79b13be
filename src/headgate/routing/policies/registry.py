"""The policies that lie in this folder, found by their `KIND`, and what each one must offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, Protocol, cast

from headgate.dialects.registry import discover
from headgate.routing import policies as folder
from headgate.routing.candidate import Plan, Quoted
from headgate.routing.settings import Fault, PolicySettings, Setting

Need = Literal["estimates", "text", "session", "feedback"]
"""What a policy goes by beside prices, weights and places. With `estimates` alone alike calls
share a ranking, made of what is known of the models whatever they are asked; with any other each
call has its own."""

NEEDS_NOTHING: Final[frozenset[Need]] = frozenset()
PER_CALL: Final[frozenset[Need]] = frozenset({"text", "session", "feedback"})

Inputs = Mapping[str, int]
"""What a policy is told of one call, by name. The decision has it, so whoever ranks by nothing
else, its settings and the candidates ranks the same again from the record."""

NO_INPUTS: Final[Inputs] = MappingProxyType({})

Notes = Mapping[str, str | int]
"""What a policy has to say of a decision, by name; nothing is ranked by it."""

NO_NOTES: Final[Notes] = MappingProxyType({})


class Settings:
    """What the configuration says of a policy.

    Attributes:
        name: As the configuration calls it; the kind of one without a table.
        values: By key, whole numbers; see `routing.settings.SettingKind` for their units.
        parts: The policies it is composed of, by key.
        texts: What nothing is ranked by, and no decision has: for whoever serves by it.
    """

    __slots__ = ("name", "parts", "texts", "values")

    def __init__(
        self,
        name: str,
        values: Mapping[str, int] = MappingProxyType({}),
        parts: Mapping[str, Chosen] = MappingProxyType({}),
        texts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.values = values
        self.parts = parts
        self.texts = texts

    def value(self, key: str) -> int:
        """Return a number that is there, by its default if by nothing else; 0 without one."""
        return self.values.get(key, 0)


class Policy(Protocol):
    """What every module of a policy offers.

    It may offer more; see `spread_of`, `leaf_of`, `arm_of`, `notes_of` and `faults_of`.

    Attributes:
        KIND: Its name in configurations and decisions.
        SETTINGS: The keys it knows in its table.
        NEEDS: What it goes by.
    """

    KIND: str
    SETTINGS: tuple[Setting, ...]
    NEEDS: frozenset[Need]

    def rank(
        self, candidates: Sequence[Quoted], settings: Settings, inputs: Inputs, /
    ) -> tuple[Quoted, ...]:
        """Return all candidates in the order they are to be tried; the same for the same."""

    def plan(self, ranked: Sequence[Quoted], /) -> Plan:
        """Yield attempts from a ranking, none twice, until an outcome is final."""


class Chosen:
    """A policy with its settings, ready to rank.

    Attributes:
        needs: What it and all its parts go by.
        is_shared: Whether calls that are alike share a ranking.
        arms: The parts, itself among them, that send calls one way or another by who makes them.
    """

    __slots__ = ("arms", "is_shared", "needs", "policy", "settings")

    def __init__(self, policy: Policy, settings: Settings) -> None:
        self.policy, self.settings = policy, settings
        needs: set[Need] = set(policy.NEEDS)
        arms: list[Chosen] = []
        for part in settings.parts.values():
            needs |= part.needs
            arms += (arm for arm in part.arms if arm not in arms)
        if arm_of(policy) is not None:
            arms.append(self)
        self.needs: frozenset[Need] = frozenset(needs)
        self.arms: tuple[Chosen, ...] = tuple(arms)
        self.is_shared = self.needs.isdisjoint(PER_CALL)

    def has(self, kind: str) -> bool:
        """Tell whether it is of a kind, or has a part that is."""
        parts = self.settings.parts.values()
        return kind == self.policy.KIND or any(part.has(kind) for part in parts)

    def rank(self, candidates: Sequence[Quoted], inputs: Inputs = NO_INPUTS) -> tuple[Quoted, ...]:
        """Return all candidates in the order they are to be tried."""
        return self.policy.rank(candidates, self.settings, inputs)

    def leaf(self, inputs: Inputs) -> Chosen:
        """Return the policy that serves a call in the end: itself, or one of its parts."""
        leaf = leaf_of(self.policy)
        return self if leaf is None else leaf(self.settings, inputs).leaf(inputs)

    def leaves(self) -> Iterator[Chosen]:
        """Yield the policies of which one serves a call in the end."""
        leaf = leaf_of(self.policy)
        if leaf is None:
            yield self
            return
        ways = 1 if arm_of(self.policy) is None else len(self.settings.parts)
        for way in range(ways):
            yield from leaf(self.settings, {self.settings.name: way}).leaves()

    def arms_for(self, unit: str) -> dict[str, int]:
        """Return which way each of its arms sends the calls of a session or principal."""
        found: dict[str, int] = {}
        for each in self.arms:
            arm = arm_of(each.policy)
            assert arm is not None, each.policy.KIND
            found[each.settings.name] = arm(each.settings, unit)
        return found

    def notes(self, ranked: Sequence[Quoted], inputs: Inputs) -> dict[str, str | int]:
        """Return what it and the parts that serve have to say of a ranking they made."""
        leaf, notes = leaf_of(self.policy), notes_of(self.policy)
        found = {} if leaf is None else leaf(self.settings, inputs).notes(ranked, inputs)
        if notes is not None:
            found.update(notes(ranked, self.settings, inputs))
        return found


def policies() -> dict[str, Policy]:
    """Return every policy by its kind."""
    return {kind: cast(Policy, part) for kind, part in discover(folder).items()}


def chosen(
    name: str, configured: Mapping[str, PolicySettings], known: Mapping[str, Policy]
) -> Chosen:
    """Return a policy by its name in the configuration, or by its kind, which needs no table.

    Args:
        name: One of either.
        configured: By id, without cycles.
        known: The policies by kind.
    """
    if name not in configured:
        policy = known[name]
        return Chosen(policy, Settings(name, defaults_of(policy.SETTINGS)))
    told = configured[name]
    policy = known[told.kind]
    parts = {key: chosen(part, configured, known) for key, part in told.parts.items()}
    values = defaults_of(policy.SETTINGS) | {**told.values}
    return Chosen(policy, Settings(name, values, parts, told.texts))


def chooser(configured: Mapping[str, PolicySettings]) -> Callable[[str], Chosen]:
    """Return what finds policies by name, where the configuration has these."""
    known = policies()
    return lambda name: chosen(name, configured, known)


def defaults_of(settings: Iterable[Setting]) -> dict[str, int]:
    """Return what a policy gets of keys that are not there."""
    return {each.key: each.default for each in settings if each.default is not None}


Spread = Callable[[Sequence[Quoted], int], tuple[Quoted, ...]]
Leaf = Callable[[Settings, Inputs], Chosen]
Arm = Callable[[Settings, str], int]
Faults = Callable[[Mapping[str, int], Mapping[str, str]], Iterable[Fault]]
NotesOf = Callable[[Sequence[Quoted], Settings, Inputs], Notes]


def faults_of(policy: Policy) -> Faults | None:
    """Return what tells what is wrong with a policy's keys together, None where nothing can be."""
    faults: Faults | None = getattr(policy, "faults", None)
    return faults


def spread_of(policy: Policy) -> Spread | None:
    """Return what orders a ranking for the call of a turn, None where all calls share the order."""
    spread: Spread | None = getattr(policy, "spread", None)
    return spread


def leaf_of(policy: Policy) -> Leaf | None:
    """Return what names the part that serves a call, None where the policy does so itself."""
    leaf: Leaf | None = getattr(policy, "leaf", None)
    return leaf


def arm_of(policy: Policy) -> Arm | None:
    """Return what tells which way the calls of a unit go, None where all go the same way.

    What it says becomes the input that has the policy's name.
    """
    arm: Arm | None = getattr(policy, "arm", None)
    return arm


def notes_of(policy: Policy) -> NotesOf | None:
    """Return what tells the notes of a ranking, None where there is nothing to tell."""
    notes: NotesOf | None = getattr(policy, "notes", None)
    return notes
