"""`[otel]`, `[events.ID]`, `[history]`: what the node sends and writes by itself."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headgate.config.addresses import AddressError, parse_base_url
from headgate.config.check import checked, checked_by_id
from headgate.config.problems import Problems, near
from headgate.config.secrets import SecretReader
from headgate.config.shapes_exports import EventsShape, HistoryShape, OtelShape
from headgate.exports.events.registry import formats
from headgate.exports.settings import Exports, Otel, Target


def exports_from(
    document: dict[str, Any],
    teams: Mapping[str, object],
    secrets: SecretReader,
    base: Path,
    problems: Problems,
) -> Exports:
    """Return what is exported.

    Args:
        document: The whole file.
        teams: Those there are.
        secrets: Resolves secrets.
        base: The folder that relative paths start from.
        problems: Where what is wrong is noted.
    """
    otel = _otel(document.get("otel", {}), secrets, problems)
    events = _events(document.get("events", {}), teams, secrets, problems)
    history = checked(document.get("history", {}), "history", HistoryShape, problems).directory
    if history and find_spec("pyarrow") is None:
        fix = "Install headgate[parquet], or take the key out."
        problems.add("history.directory", "Parquet needs PyArrow, which is missing.", fix)
    return Exports(otel, events, base / history if history else None)


def _otel(table: object, secrets: SecretReader, problems: Problems) -> Otel | None:
    shape = checked(table, "otel", OtelShape, problems)
    headers = tuple(
        (name.lower(), secrets.read(secret, f"otel.headers.{name}") or "")
        for name, secret in shape.headers.items()
    )
    if shape.endpoint is None:
        if isinstance(table, dict) and table:
            fix = 'Write endpoint = "http://127.0.0.1:4318", or take the table out.'
            problems.add("otel.endpoint", "This key is missing.", fix)
        return None
    endpoint = _url(shape.endpoint, "otel.endpoint", problems, plain=shape.allow_plain_http)
    return Otel(endpoint, headers, shape.service_name, shape.traces, shape.metrics)


def _events(
    tables: object, teams: Mapping[str, object], secrets: SecretReader, problems: Problems
) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for name, shape in checked_by_id(tables, "events", EventsShape, problems):
        key = f"events.{name}"
        if shape.format and shape.format not in formats():
            fix = near(shape.format, formats(), "format")
            problems.add(f"{key}.format", f"There is no format {shape.format!r}.", fix)
        for team in shape.customers:
            if team not in teams:
                fix = near(team, teams, "team")
                problems.add(f"{key}.customers.{team}", f"There is no team {team!r}.", fix)
        found[name] = Target(
            id=name,
            url=_url(shape.url, f"{key}.url", problems, plain=shape.allow_plain_http),
            format=shape.format,
            secret=secrets.read(shape.secret, f"{key}.secret"),
            token=secrets.read(shape.token, f"{key}.token"),
            event_name=shape.event_name,
            customers=shape.customers,
        )
    return found


def _url(text: str, key: str, problems: Problems, *, plain: bool) -> str:
    if not text:
        return ""
    try:
        return parse_base_url(text, allow_plain_http=plain)
    except AddressError as error:
        fix = 'Write "https://HOST/PATH".'
        if "Plain http" in str(error):
            fix = "Use https, or write allow_plain_http = true if that network is yours."
        problems.add(key, str(error), fix)
        return ""
