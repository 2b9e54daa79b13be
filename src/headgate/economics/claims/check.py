"""Computes every figure of every claim from the inputs and says which agree, to the digit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from headgate.economics.claims.formulas import FORMULAS
from headgate.economics.exact import DomainError, rounded
from headgate.economics.inputs import Inputs

IMPOSSIBLE = "impossible"
"""What is computed when a formula has no answer."""

_SCALES = {"_percent": 100, "_cents": 100}
"""A figure whose name ends so is shown times this."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a claim.

    Attributes:
        name: What it is, unit last.
        formula: A name in `FORMULAS`.
        of: Inputs, or figures further up in the same claim, in the formula's order.
        expected: The number as published or as worked out from it, in the digits that count;
            `yes` or `no` where the formula is a question.
        places: Decimals that count; negative for tens, hundreds ...
    """

    name: str
    formula: str
    of: tuple[str, ...]
    expected: str
    places: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement somebody published, in our words.

    Attributes:
        id: `C01` ...
        article: Key of the article it is from.
        statement: What it says.
        figures: Its numbers; none when it cannot be checked by a number.
        verdict: What we found about the statement with the built-in inputs.
        remark: Why, and what to beware of.
    """

    id: str
    article: str
    statement: str
    figures: tuple[Figure, ...]
    verdict: str
    remark: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim with what was computed.

    Attributes:
        claim: The claim.
        inputs: The inputs its figures used, as text.
        computed: Figure name to result, in the same digits as what is expected.
        agrees: Every figure is as expected; None when there is no figure: not numeric.
    """

    claim: Claim
    inputs: Mapping[str, str]
    computed: Mapping[str, str]
    agrees: bool | None


def check(
    claims: Iterable[Claim], inputs: Inputs, of_claim: Mapping[str, Mapping[str, str]]
) -> list[Checked]:
    """Compute all claims.

    Args:
        claims: In the order to report them.
        inputs: What all claims share.
        of_claim: Claim id to inputs that are changed for this claim alone.

    Raises:
        InputError: A changed input cannot be used.
    """
    return [_check(one, inputs.changed_by(of_claim.get(one.id, {}))) for one in claims]


def _check(claim: Claim, inputs: Inputs) -> Checked:
    values: dict[str, Fraction] = {}
    computed: dict[str, str] = {}
    used: dict[str, str] = {}
    for figure in claim.figures:
        for name in figure.of:
            if name not in values and name in inputs.items:
                used[name] = inputs.items[name].text
        computed[figure.name] = _compute(figure, values, inputs)
    agrees = all(computed[figure.name] == figure.expected for figure in claim.figures)
    return Checked(claim, used, computed, agrees if claim.figures else None)


def _compute(figure: Figure, values: dict[str, Fraction], inputs: Inputs) -> str:
    """Return a figure's text, and leave its exact value for the figures below it."""
    if any(name not in values and name not in inputs.items for name in figure.of):
        # It rests on a figure that is impossible.
        return IMPOSSIBLE
    arguments = [values[name] if name in values else inputs[name] for name in figure.of]
    try:
        result = FORMULAS[figure.formula](*arguments)
    except DomainError:
        return IMPOSSIBLE
    if isinstance(result, bool):
        return "yes" if result else "no"
    values[figure.name] = result
    scale = next((by for end, by in _SCALES.items() if figure.name.endswith(end)), 1)
    return rounded(result * scale, figure.places)
