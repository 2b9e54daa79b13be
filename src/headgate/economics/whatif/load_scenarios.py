"""Reads a file of scenarios: `[scenarios.NAME]` tables with what would have been different."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from headgate.economics.inputs import InputError
from headgate.economics.load import load_document

POSTED = "posted"
SCENARIOS_MAX = 20
Beyond = Literal["api", "refused"]
"""What becomes of use that a seat does not carry."""
API: Beyond = "api"
REFUSED: Beyond = "refused"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A scenario as it was asked for.

    Attributes:
        name: Its name in the file, empty for one by options.
        prices: A file of prices that would have held; None for those of the book.
        scale: `SELLER[/MODEL]=FACTOR` each.
        as_of: The day whose prices hold; None for each call's own.
        models: `OLD=NEW` each.
        policy: A file, a name, or a policy's table; None for who served.
        among: The models a policy chooses between, of imported calls.
        only: Classes of tasks that move; empty for all.
        plans: `[SEAT=]PLAN` each.
        beyond: What becomes of what seats do not carry.
        folder: Where its files are.
    """

    name: str = ""
    prices: Path | None = None
    scale: tuple[str, ...] = ()
    as_of: str | None = None
    models: tuple[str, ...] = ()
    policy: str | Mapping[str, Any] | None = None
    among: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    beyond: Beyond = API
    folder: Path = Path()

    def __post_init__(self) -> None:
        """Refuse what is no scenario.

        Raises:
            InputError: Nothing is different, or two things exclude each other.
        """
        where = f" in {self.name}" if self.name else ""
        if not (self.prices or self.scale or self.as_of or self.models or self.plans) and (
            self.policy is None
        ):
            raise InputError(
                f"There is nothing to ask{where}.",
                "Give --model, --policy, --plan, --as-of, --scale, or a FILE of prices.",
            )
        if self.policy is not None and self.models:
            raise InputError(f"A policy chooses the models{where}.", "Take the models out.")
        if self.among and self.policy is None:
            raise InputError(f"Nobody chooses among models{where}.", "Give --policy, or --model.")


class _Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    prices: str | None = None
    scale: dict[str, str] = {}
    as_of: date | None = None
    models: dict[str, str] = {}
    policy: str | dict[str, Any] | None = None
    among: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    plans: dict[str, str] = {}
    beyond: Beyond = API


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    scenarios: dict[str, _Scenario]
    baseline: str = POSTED


@dataclass(frozen=True, slots=True)
class Scenarios:
    """A file of scenarios: those, and what savings are against (see `--baseline`)."""

    wanted: tuple[Wanted, ...]
    baseline: str


def load_scenarios(path: Path) -> Scenarios:
    """Return the scenarios of a file, in its order; its own paths are beside it.

    Raises:
        InputError: It cannot be used.
    """
    try:
        document = msgspec.convert(load_document(path), _Document)
    except msgspec.ValidationError as error:
        known = ", ".join(_Scenario.__struct_fields__)
        raise InputError(
            f"{path} is no file of scenarios: {error}.",
            f"Write [scenarios.NAME] with some of {known}; and baseline.",
        ) from error
    if not 1 <= len(document.scenarios) <= SCENARIOS_MAX:
        raise InputError(
            f"{path} has {len(document.scenarios)} scenarios.", f"Write 1 to {SCENARIOS_MAX}."
        )
    wanted = (_wanted(name, one, path.parent) for name, one in document.scenarios.items())
    return Scenarios(tuple(wanted), document.baseline)


def _wanted(name: str, one: _Scenario, folder: Path) -> Wanted:
    return Wanted(
        name=name,
        prices=None if one.prices is None else folder / one.prices,
        scale=_pairs(one.scale),
        as_of=None if one.as_of is None else one.as_of.isoformat(),
        models=_pairs(one.models),
        policy=one.policy,
        among=one.among,
        only=one.only,
        plans=_pairs(one.plans),
        beyond=one.beyond,
        folder=folder,
    )


def _pairs(table: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in table.items())
