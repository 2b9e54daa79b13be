"""`[reconcile]` and `[reports.PROVIDER]`: how the books are compared with providers' reports."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from headgate.config.addresses import AddressError, is_loopback, parse_base_url
from headgate.config.check import checked, checked_by_id
from headgate.config.problems import Problems, near
from headgate.config.secrets import SecretReader
from headgate.config.shapes_reconcile import ReconcileShape, ReportsShape
from headgate.providers.settings import Provider
from headgate.reconcile.admin.registry import admins
from headgate.reconcile.settings import Reconcile, Source
from headgate.units.money import MoneyError, parse_usd

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def reconcile_from(
    document: Mapping[str, object],
    providers: Mapping[str, Provider],
    secrets: SecretReader,
    base: Path,
    problems: Problems,
) -> Reconcile:
    """Return how it is done; `base` is the folder that relative paths start from."""
    shape = checked(document.get("reconcile", {}), "reconcile", ReconcileShape, problems)
    sources: dict[str, Source] = {}
    for name, reports in checked_by_id(
        document.get("reports", {}), "reports", ReportsShape, problems
    ):
        key = f"reports.{name}"
        if name not in providers:
            fix = near(name, providers, "provider")
            problems.add(key, f"There is no provider {name!r}.", fix)
        sources[name] = _source(name, reports, secrets, base, problems)
    return Reconcile(
        sources,
        minute=_minute(shape.at, problems),
        days=shape.days,
        apply=shape.apply,
        alert_nanos=_alert(shape, problems),
        settle_hours=shape.settle_hours,
    )


def _minute(text: str, problems: Problems) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        if text:
            problems.add("reconcile.at", f"{text!r} is not a time of day.", 'Write at = "05:00".')
        return 0
    return 60 * int(found[1]) + int(found[2])


def _alert(shape: ReconcileShape, problems: Problems) -> int:
    try:
        return parse_usd(str(shape.alert_usd or 0))
    except MoneyError as error:
        problems.add("reconcile.alert_usd", f"{error}.", 'Write dollars as text: "2.50".')
        return 0


def _source(
    name: str, shape: ReportsShape, secrets: SecretReader, base: Path, problems: Problems
) -> Source:
    key = f"reports.{name}"
    credential = secrets.read(shape.credential, f"{key}.credential")
    url = _base_url(shape.base_url, f"{key}.base_url", problems)
    api, known = shape.api, admins()
    if api is not None and api not in known:
        problems.add(f"{key}.api", f"There is no API {api!r}.", near(api, known, "API"))
    if (shape.folder is None) == (shape.api is None):
        problems.add(
            key,
            "Reports come from a folder or from an API.",
            'Write folder = "PATH", or api = "NAME" with a credential.',
        )
        return Source(name)
    if api is None:
        return Source(name, folder=str(base / (shape.folder or "")))
    if api not in known:
        return Source(name)
    if shape.credential is None:
        fix = 'Write credential = { env = "NAME" } with an administration key.'
        problems.add(f"{key}.credential", "The API is not asked without a credential.", fix)
    url = url or known[api].BASE_URL
    return Source(name, admin=api, credential=credential or "", base_url=url)


def _base_url(text: str | None, key: str, problems: Problems) -> str:
    """Return an address on this machine: an administration key is sent nowhere else."""
    if not text:
        return ""
    try:
        url = parse_base_url(text, allow_plain_http=False)
    except AddressError as error:
        problems.add(key, str(error), "Leave it out: the maker's own address is known.")
        return ""
    if not is_loopback(urlsplit(url).hostname or ""):
        problems.add(key, "It is not on this machine.", "Leave it out: the address is known.")
        return ""
    return url
