"""The page in a real browser: it comes alive, opens a call, and breaks no policy."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from headgate.console.app import build
from headgate.identity.registry import FrozenNode, set_frozen
from headgate.records.journal import CandidateRecord
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
TOKEN = "a-token-of-some-length"

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Debian's chromium is not installed at /usr/bin/chromium."
)


class Served:
    """A console on a port of its own, in a thread."""

    def __init__(self, books: Books, token: str | None = None) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.url = f"http://{host}"
        config = uvicorn.Config(
            build(books.world(hosts=frozenset({host}), token=token)),
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield launched
        launched.close()


class Visit:
    """A page that notes everything a browser complains of."""

    def __init__(self, browser: Browser, width: int = 1280, height: int = 720) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height})
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


@pytest.fixture
def served(books: Books) -> Iterator[Served]:
    """A console without a token."""
    console = Served(books)
    yield console
    console.close()


def test_the_page_is_alive_and_opens_a_call(
    books: Books,
    served: Served,
    browser: Browser,
    now_ns: int,
    candidates: tuple[CandidateRecord, ...],
) -> None:
    """Calls, budgets, refusals and the chart appear as they are folded; a call explains itself."""
    visit = Visit(browser, 1360, 900)
    page = visit.page
    page.goto(served.url)
    expect(page.get_by_text("No call yet.")).to_be_visible()

    number = books.decide(now_ns, "fast", candidates)
    hold = books.hold(decision=number)
    books.settle(hold, {"input_uncached": 1000, "cache_read": 8000, "output_text": 37})
    books.refuse()
    books.fold()

    row = page.locator(f'[id="row-{hold.attempt}"]')
    expect(row).to_contain_text("$0.0026", timeout=10_000)
    expect(page.locator("#budgets")).to_contain_text("$0.0026", timeout=10_000)
    expect(page.locator("#refusals")).to_contain_text("budget_exceeded", timeout=10_000)
    expect(page.locator("#legend")).to_contain_text("gpt-5-5", timeout=10_000)
    assert page.locator("#chart canvas").count() == 1

    row.get_by_role("link").click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_be_visible()
    expect(drawer.locator("table.lines tbody tr")).to_have_count(3)
    expect(drawer.locator("table.lines tfoot")).to_contain_text("$0.002620000")
    expect(drawer.locator("table.candidates tr.chosen")).to_contain_text("gpt-5-5")
    expect(drawer.locator("table.candidates tr.excluded")).to_contain_text("context_tokens")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    visit.close()


def test_the_page_can_be_paused(books: Books, served: Served, browser: Browser) -> None:
    """A reader can hold still what moves, and let it go on."""
    visit = Visit(browser)
    page = visit.page
    page.goto(served.url)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-text")).to_have_text("Paused")

    page.get_by_role("button", name="Resume").click()
    books.settle(books.hold(), {"output_text": 1})
    books.fold()

    expect(page.locator("#calls tbody tr")).to_have_count(1, timeout=10_000)
    expect(page.locator("#live-text")).to_have_text("Live")
    visit.close()


@pytest.mark.parametrize("width", [360, 800])
def test_narrow_screens_need_no_sideways_scrolling(
    books: Books, served: Served, browser: Browser, now_ns: int, width: int
) -> None:
    """Long names are cut short, not pushed off the screen; dark as well."""
    name = "a-very-long-name-" * 3
    hold = books.hold(asked=name, deployment=name, principal=name, run=name)
    books.settle(hold, {"input_uncached": 123_456, "output_reasoning": 9_999})
    books.refuse(message="word " * 60)
    books.fold()
    with books.engine.begin() as connection:
        set_frozen(connection, FrozenNode(f"team:{name}", now_ns, "reason" * 30))
    visit = Visit(browser, width, 800)
    visit.page.emulate_media(color_scheme="dark")

    for path in ("/", f"/calls/{hold.call}"):
        visit.page.goto(served.url + path)
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    visit.close()


def test_the_token_is_asked_for_once(books: Books, browser: Browser) -> None:
    """The form works under its policy, and the session lasts over a reload."""
    with closing(Served(books, token=TOKEN)) as console:
        visit = Visit(browser)
        page = visit.page
        page.goto(console.url + "/login")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Recent calls")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Recent calls")).to_be_visible()
        visit.close()
