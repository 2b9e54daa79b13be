"""A console that is served, and a browser that visits it."""

import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TypedDict, Unpack

import axe_playwright_python
import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from headgate.console.app import build
from headgate.console.workbench import Workbench
from headgate.insights.routes import Unwell
from tests.console.books import Books

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
GRAVE = ("serious", "critical")

NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Debian's chromium is not installed at /usr/bin/chromium."
)


class Changed(TypedDict, total=False):
    """What a test may set of a console that is served."""

    token: str | None
    unwell: Callable[[], Unwell]
    workbench: Workbench


class Served:
    """A console on a port of its own, in a thread."""

    def __init__(self, books: Books, **changes: Unpack[Changed]) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.url = f"http://{host}"
        config = uvicorn.Config(
            build(books.world(hosts=frozenset({host}), **changes)),
            lifespan="off",
            ws="none",
            log_level="warning",
            timeout_graceful_shutdown=2,
        )
        self.server = uvicorn.Server(config)
        self.thread = Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def close(self) -> None:
        """Stop and wait for the end."""
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()
        assert not self.thread.is_alive()


class Visit:
    """A page that notes everything a browser complains of."""

    def __init__(self, browser: Browser, width: int = 1280, zone: str = "Europe/Berlin") -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 800}, timezone_id=zone
        )
        self.page: Page = self.context.new_page()
        self.page.add_init_script(WATCH)
        self.complaints: list[str] = []
        self.page.on("console", lambda told: self._note(told.type, told.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def close(self) -> None:
        """Leave, having seen no violation of the policy and no error."""
        violations = self.page.evaluate("window.violations")
        self.context.close()
        assert violations == []
        assert self.complaints == []


def grave_of(page: Page) -> list[tuple[str, str]]:
    """Return what axe finds that is serious or critical: rules and what breaks them."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in GRAVE]
