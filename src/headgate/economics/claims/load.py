"""Reads the claims and their inputs from the package's data file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.economics.claims.check import Claim, Figure
from headgate.economics.inputs import Inputs
from headgate.economics.load import inputs_of, load_data


@dataclass(frozen=True, slots=True)
class Claims:
    """The data file.

    Attributes:
        articles: Key to what the article is about.
        inputs: What the claims are computed from.
        claims: In the order of their ids.
    """

    articles: Mapping[str, str]
    inputs: Inputs
    claims: tuple[Claim, ...]


def load_claims() -> Claims:
    """Return the built-in claims."""
    data = load_data("claims")
    claims = tuple(_claim(row) for row in data["claim"])
    return Claims(data["articles"], inputs_of(data), claims)


def _claim(row: Mapping[str, Any]) -> Claim:
    return Claim(
        id=row["id"],
        article=row["article"],
        statement=row["statement"],
        figures=tuple(_figure(one) for one in row.get("figures", ())),
        verdict=row["verdict"],
        remark=row["remark"],
    )


def _figure(row: Mapping[str, Any]) -> Figure:
    expected = row["expected"]
    places = row.get("places", len(expected.partition(".")[2]))
    return Figure(row["name"], row["formula"], tuple(row["of"]), expected, places)
