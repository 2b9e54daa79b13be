"""Fetches reports from a provider's administration interface."""

import http.client
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from headgate.dial.line import line_to
from headgate.reconcile.admin.registry import admins, next_page
from headgate.reconcile.load_reports import REPORT_BYTES_MAX, ReportError, take_report
from headgate.reconcile.reports import Reports
from headgate.reconcile.settings import Source

TIMEOUT_S = 30
PAGES_MAX = 100
TRIES = 4
PAUSE_S = 2
"""Before the second try; each further one waits twice as long."""

Get = Callable[[str, str, dict[str, str]], tuple[int, bytes]]
"""From base URL, path and headers to status and body; `OSError` where there is no answer."""


class FetchError(ReportError):
    """An interface did not answer, or not with a report; the message is for a person."""


def fetch(
    source: Source,
    days: int,
    now_ns: int,
    *,
    get: Get | None = None,
    pause: Callable[[int], None] = time.sleep,
) -> Reports:
    """Return the reports of the last whole days, in UTC, and of today so far.

    Args:
        source: Where to ask.
        days: So many days before today.
        now_ns: Now.
        get: Asks; None for the network.
        pause: Waits between tries.

    Raises:
        FetchError: It is not answered, refused, or no report.
    """
    admin = admins()[source.admin]
    now = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    reports = Reports(admin.SELLER)
    for path in admin.reports(today - timedelta(days=days), today + timedelta(days=1)):
        for body in _pages(source, path, admin.headers(source.credential), get or ask, pause):
            take_report(body, "report.json", reports, now_ns)
    return reports


def _pages(
    source: Source, first: str, headers: dict[str, str], get: Get, pause: Callable[[int], None]
) -> Iterator[bytes]:
    path: str | None = first
    for _ in range(PAGES_MAX):
        if path is None:
            return
        body = _page(source, path, headers, get, pause)
        yield body
        try:
            path = next_page(path, body)
        except ValueError as error:
            raise FetchError(f"{_where(source, path)} answered with no page: {error}") from error
    raise FetchError(f"{_where(source, first)} has more than {PAGES_MAX} pages")


def _page(
    source: Source, path: str, headers: dict[str, str], get: Get, pause: Callable[[int], None]
) -> bytes:
    """Ask for a page; what may pass is tried again."""
    trouble = ""
    for attempt in range(TRIES):
        if attempt:
            pause(PAUSE_S * 2 ** (attempt - 1))
        try:
            status, body = get(source.base_url, path, headers)
        except (OSError, http.client.HTTPException) as error:
            trouble = f"cannot be asked: {error}"
            continue
        if status == 200:
            return body
        trouble = f"answered with status {status}"
        if status not in (408, 409, 425, 429) and status < 500:
            break
    raise FetchError(f"{_where(source, path)} {trouble}")


def _where(source: Source, path: str | None) -> str:
    return f"{source.base_url}{(path or '').partition('?')[0]}"


def ask(base_url: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Ask over the network; no redirect is followed: a credential goes where it was meant to."""
    line = line_to(base_url, TIMEOUT_S)
    try:
        line.request("GET", urlsplit(base_url).path + path, headers=headers)
        answer = line.getresponse()
        body = answer.read(REPORT_BYTES_MAX + 1)
    finally:
        line.close()
    if len(body) > REPORT_BYTES_MAX:
        raise OSError(f"more than {REPORT_BYTES_MAX >> 20} MB")
    return answer.status, body
