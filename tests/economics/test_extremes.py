"""At the ends of every input's range the desk answers or refuses; it neither hangs nor breaks."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction

import pytest

from headgate.economics.claims.check import check
from headgate.economics.claims.load import load_claims
from headgate.economics.exact import DomainError, plain
from headgate.economics.inputs import InputError, Inputs
from headgate.economics.load import load_data, load_inputs
from headgate.economics.mix.load_team import load_offers
from headgate.economics.mix.offers import User
from headgate.economics.mix.report import mix_report, problem_of
from headgate.economics.roi.report import roi_report
from headgate.economics.stress.report import stress_report
from headgate.economics.stress.simulate import simulate
from headgate.economics.vendor.report import vendor_report

CLAIMS = load_claims()
LARGEST = "999999999999999"


def claims(inputs: Inputs) -> object:
    return check(CLAIMS.claims, inputs, {})


def stress(inputs: Inputs) -> object:
    run = simulate(inputs, 1, 100, 6)
    return stress_report(run, load_data("stress")["questions"], "price-protected")


def vendor(inputs: Inputs) -> object:
    return vendor_report(inputs, load_data("vendor")["scenarios"], 1, 100)


def roi(inputs: Inputs) -> object:
    return roi_report(inputs, None, None, "")


def mix(inputs: Inputs) -> object:
    users = tuple(
        User(name, tuple(usd * 10**9 for usd in months), "api", Fraction(0), None)
        for name, months in (("a", (5, 9, 7)), ("b", (900, 1_500, 700)))
    )
    return mix_report(inputs, problem_of(inputs, users, load_offers(None)), None, 1, "")


CALCULATIONS: dict[str, tuple[Callable[[Inputs], object], Inputs]] = {
    "claims": (claims, CLAIMS.inputs),
    "stress": (stress, load_inputs("stress")),
    "vendor": (vendor, load_inputs("vendor")),
    "roi": (roi, load_inputs("roi")),
    "mix": (mix, load_inputs("mix")),
}


def ends() -> Iterator[tuple[str, str, str]]:
    """Yield each input of each calculation with both ends of its range."""
    for name, (_, inputs) in CALCULATIONS.items():
        for one in inputs.items.values():
            if one.unit != "time":
                high = LARGEST if one.high is None else plain(one.high, 15)
                yield from ((name, one.name, plain(one.low, 15)), (name, one.name, high))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changed", "text"), list(ends()))
def test_the_ends_of_a_range_are_answered_or_refused(name: str, changed: str, text: str) -> None:
    """A refusal is an `InputError` or a `DomainError`, which the command line tells with a fix."""
    calculate, inputs = CALCULATIONS[name]

    with suppress(InputError, DomainError):
        assert calculate(inputs.changed_by({changed: text}))


@pytest.mark.parametrize("text", ["1e999999", "1e-999999", "9" * 41, "inf", "", "0x10"])
def test_what_is_no_usual_number_is_refused_at_once(text: str) -> None:
    """Before anything is computed with it."""
    with pytest.raises(InputError, match="no decimal number"):
        CLAIMS.inputs.changed_by({"serving_cost": text})
