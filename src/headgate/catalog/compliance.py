"""What is known of how a deployment treats what it is sent; pure.

An absent fact is unknown, and unknown satisfies nothing that asks for it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Certificate(NamedTuple):
    """What a deployment is certified for, until an instant (exclusive)."""

    name: str
    until_ns: int


class Treatment(NamedTuple):
    """How a deployment treats prompts and replies.

    Attributes:
        retention_days: For how many days they are kept at most, 0 for not at all; None unknown.
        trains: Whether models are trained on them; None unknown.
        certificates: What it is certified for; each name once.
    """

    retention_days: int | None = None
    trains: bool | None = None
    certificates: tuple[Certificate, ...] = ()


UNKNOWN = Treatment()

_EU_AZURE = ("francecentral", "francesouth", "germanywestcentral", "germanynorth", "swedencentral")
_EU_AZURE_LATER = ("polandcentral", "italynorth", "spaincentral", "austriaeast", "*europe")

RESIDENCIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "eu": ("eu", "eu-*", "europe-*", *_EU_AZURE, *_EU_AZURE_LATER),
        "us": ("us", "us-*", "*us", "*us2", "*us3"),
        "uk": ("uk", "uk*", "europe-west2", "eu-west-2"),
        "ch": ("ch", "switzerland*", "europe-west6", "eu-central-2"),
        "ca": ("ca", "ca-*", "canada*", "northamerica-northeast*"),
        "jp": ("jp", "japan*", "ap-northeast-[13]", "asia-northeast[12]"),
    }
)
"""Patterns of the region names of AWS, Azure and Google Cloud by where they lie.

Regions outside the Union whose names look as if they were inside are taken out of `eu` below.
Sources: the providers' lists of regions (docs.aws.amazon.com, learn.microsoft.com,
cloud.google.com), read 2026-11.
"""

NOT_EU = frozenset(
    {"eu-west-2", "eu-central-2", "europe-west2", "europe-west6", "norwayeast", "norwaywest"}
)
"""London and Zurich by their names at AWS and Google; Norway is not in the Union either."""
