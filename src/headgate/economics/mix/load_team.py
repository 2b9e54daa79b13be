"""Reads a team's months from CSV and offers from TOML."""

import csv
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from headgate.economics.exact import rounded
from headgate.economics.formulas import prices
from headgate.economics.inputs import InputError, usual_number
from headgate.economics.load import load_data, load_document, read_text
from headgate.economics.mix.offers import ANY_VENDOR, Offer, User
from headgate.units.money import NANOS_PER_USD, USD_MAX

COLUMNS = ("user", "month", "usd")
BYTES_MAX = 200_000_000
USERS_MAX = 20_000
MONTHS_MAX = 240
OFFERS_MAX = 100
_KEYS = frozenset(
    {"id", "vendor", "kind", "price_usd", "capacity_usd", "overage", "cost_share", "quality"}
    | {"regions", "seats_min", "seats_max", "minimum_usd"}
)
_MACHINE_KEYS = frozenset({"usd_per_hour", "tokens_per_second", "utilisation", "list_usd_per_mtok"})
"""What a machine may say instead of price and capacity; then all of them."""


def load_team(path: Path) -> tuple[list[str], tuple[User, ...]]:
    """Return the months and the users of a file; a user without a row in a month used nothing.

    Raises:
        InputError: It cannot be read, a row is wrong, or it is too large.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, BYTES_MAX)))
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"{path} is no CSV: {error}.", "Write one row per line.") from error
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing or not rows:
        raise InputError(
            f"{path} has no {'rows' if not missing else 'column ' + ', '.join(missing)}.",
            "Its columns are user,month,usd, and may be now,quality,region.",
        )
    months = sorted({row["month"].strip() for row in rows})
    by_user: dict[str, list[Mapping[str, str]]] = {}
    for number, row in enumerate(rows, 2):
        _check(row, number)
        by_user.setdefault(row["user"].strip(), []).append(row)
    if len(by_user) > USERS_MAX or len(months) > MONTHS_MAX:
        raise InputError(
            f"{path} has {len(by_user)} users and {len(months)} months.",
            f"Give at most {USERS_MAX} and {MONTHS_MAX}.",
        )
    return months, tuple(_user(name, rows, months) for name, rows in sorted(by_user.items()))


def load_offers(path: Path | None) -> tuple[Offer, ...]:
    """Return the offers of a file, the built-in ones without one.

    Raises:
        InputError: It cannot be read, or an offer is wrong.
    """
    document = load_data("offers") if path is None else load_document(path)
    rows = document.get("offer")
    if not isinstance(rows, list) or not 1 <= len(rows) <= OFFERS_MAX:
        raise InputError(f"There are no offers in {path}.", "Write [[offer]] tables.")
    offers = tuple(_offer(row) for row in rows)
    if len({one.id for one in offers}) < len(offers):
        raise InputError("Two offers have the same id.", "Give each its own.")
    return offers


def _check(row: Mapping[str, Any], line: int) -> None:
    if not all((row.get(name) or "").strip() for name in COLUMNS):
        raise InputError(f"Line {line} lacks user, month or usd.", "Complete it.")
    _nanos(row["usd"], f"usd in line {line}")


def _user(name: str, rows: Sequence[Mapping[str, str]], months: Sequence[str]) -> User:
    """Return a user; what is said of them last holds."""
    demand = dict.fromkeys(months, 0)
    for row in rows:
        demand[row["month"].strip()] += _nanos(row["usd"], f"usd of {name}")
    last = rows[-1]
    return User(
        id=name,
        demand_nanos=tuple(demand.values()),
        now=(last.get("now") or "").strip() or None,
        quality=_share(last.get("quality") or "0", f"quality of {name}"),
        region=(last.get("region") or "").strip() or None,
    )


def _offer(row: Any) -> Offer:
    if not isinstance(row, dict) or not row.get("id"):
        raise InputError("An offer has no id.", 'Write id = "...".')
    name = str(row["id"])
    if unknown := row.keys() - _KEYS - _MACHINE_KEYS:
        raise InputError(f"{name}: unknown {', '.join(sorted(unknown))}.", _known())
    kind = row.get("kind")
    if row.keys() & _MACHINE_KEYS:
        row = row | _machine(name, row)
    if kind not in ("seat", "usage", "machine"):
        raise InputError(f"{name}: kind is {kind!r}.", "Write seat, usage or machine.")
    capacity = _nanos(row.get("capacity_usd", "0"), f"{name}: capacity_usd")
    if kind != "usage" and not capacity:
        raise InputError(f"{name} has no capacity.", "Write capacity_usd, above 0.")
    if kind == "usage" and "cost_share" not in row:
        raise InputError(f"{name} has no cost.", "Write cost_share, 1 for API list prices.")
    overage, regions = row.get("overage"), row.get("regions", [])
    if not isinstance(regions, list):
        raise InputError(f"{name}: regions is no list.", 'Write regions = ["eu"].')
    return Offer(
        id=name,
        vendor=str(row.get("vendor", ANY_VENDOR)),
        kind=kind,
        price_nanos=_nanos(row.get("price_usd", "0"), f"{name}: price_usd"),
        capacity_nanos=capacity,
        overage=None if overage is None else _number(overage, f"{name}: overage", 1000),
        cost_share=_number(row.get("cost_share", "0"), f"{name}: cost_share", 1000),
        quality=_share(row.get("quality", "1"), f"{name}: quality"),
        regions=frozenset(str(one) for one in regions),
        seats_min=_whole(row.get("seats_min", 0), f"{name}: seats_min"),
        seats_max=None
        if "seats_max" not in row
        else _whole(row["seats_max"], f"{name}: seats_max"),
        minimum_nanos=_nanos(row.get("minimum_usd", "0"), f"{name}: minimum_usd"),
    )


def _machine(name: str, row: Mapping[str, Any]) -> dict[str, str]:
    """Return price and capacity of a machine that is told by the hour and the second."""
    missing = sorted(_MACHINE_KEYS - row.keys())
    if missing or row.get("kind") != "machine":
        raise InputError(
            f"{name} lacks {', '.join(missing) or 'kind machine'}.",
            f"A machine has {', '.join(sorted(_MACHINE_KEYS))}, or price_usd and capacity_usd.",
        )
    hourly, tokens, busy, listed = (
        _number(row[key], f"{name}: {key}", high)
        for key, high in (
            ("usd_per_hour", 1_000_000),
            ("tokens_per_second", 1_000_000_000),
            ("utilisation", 1),
            ("list_usd_per_mtok", 1_000_000),
        )
    )
    return {
        "price_usd": rounded(prices.machine_month(hourly), 9),
        "capacity_usd": rounded(prices.machine_capacity(tokens, busy, listed), 9),
    }


def _known() -> str:
    return f"Known: {', '.join(sorted(_KEYS | _MACHINE_KEYS))}."


def _number(text: Any, what: str, high: int) -> Fraction:
    value = usual_number(str(text).strip())
    if value is None or not 0 <= value <= high:
        raise InputError(f"{what} is {str(text)[:40]!r}.", f"Write a number from 0 to {high}.")
    return value


def _share(text: Any, what: str) -> Fraction:
    return _number(text, what, 1)


def _nanos(text: Any, what: str) -> int:
    """Return an amount, rounded half up to a nano-dollar: demand is often a computed figure."""
    return int(_number(text, what, int(USD_MAX)) * NANOS_PER_USD + Fraction(1, 2))


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not str(value).isdigit() or int(str(value)) > USERS_MAX:
        raise InputError(f"{what} is {value!r}.", f"Write a whole number from 0 to {USERS_MAX}.")
    return int(str(value))
