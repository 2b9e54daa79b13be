"""The pages in a real browser: alive, open to keyboards and to everybody, and within the policy."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, expect

from headgate.console.workbench import Workbench
from headgate.governance import keeper
from headgate.identity.registry import FrozenNode, KeptKey, keep_key, set_frozen
from headgate.insights.routes import PassedOver
from headgate.records.journal import CandidateRecord
from tests.console.books import CANDIDATES, NOW_NS, Books
from tests.console.browsing import NEEDS_CHROMIUM, Served, Visit, grave_of
from tests.governance.shown import ASKING, SHOWN

LONG = "a-very-long-name-" * 3
PATHS = (
    "/?minutes=60&by=principal",
    "/calls",
    "/calls?principal=nobody&q=nothing",
    "/budgets",
    "/routes",
    "/prices?q=gpt-5",
    "/keys",
    "/approvals",
    "/desk?report=stress",
)


class Full(NamedTuple):
    """A console with something on every page, and the paths of all pages."""

    url: str
    paths: tuple[str, ...]


pytestmark = NEEDS_CHROMIUM


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
    visit = Visit(browser, 1360)
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
    expect(page.locator("#attention")).to_contain_text("1 call refused", timeout=10_000)
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


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    """A console with something to show on each page, and names as long as names can be."""
    books = Books(tmp_path_factory.mktemp("console"))
    number = books.decide(NOW_NS, "fast", CANDIDATES)
    books.lend("research-month@2026-11", 1_000_000_000)
    lossy = books.hold(decision=number, run="r1", via="anthropic_messages", lost=("$.seed",))
    books.settle(lossy, {"input_uncached": 1000, "cache_read": 8000, "output_text": 37})
    long = books.hold(asked=LONG, deployment=LONG, principal=LONG, run=LONG)
    books.settle(long, {"input_uncached": 123_456, "output_reasoning": 9_999})
    books.fail(books.hold(), "upstream_rate_limited")
    books.estimate(books.hold(), "stream_cut")
    books.hold(hold_nanos=1_500_000_000)
    refused = books.refuse(message="word " * 60)
    books.fold()
    with books.engine.begin() as connection:
        set_frozen(connection, FrozenNode(f"team:{LONG}", NOW_NS, "reason" * 30))
        shown = replace(SHOWN, principal=LONG, model=LONG, tools=(LONG,) * 9, prompt=LONG * 9)
        keeper.ask(connection, replace(ASKING, shown=shown), "worker-0-1", NOW_NS)
        over = keeper.ask(connection, replace(ASKING, approval="apr_2"), "worker-0-1", NOW_NS)
        assert over is not None
        keeper.decide(connection, over, keeper.Decision("deny", LONG, "reason" * 30), NOW_NS)
        keep_key(connection, KeptKey(LONG, "bob", (LONG, "fast"), "00", NOW_NS - 1, NOW_NS))
    passed = {"claude-opus": PassedOver("breaker_open", NOW_NS + 5_000_000_000)}
    console = Served(books, unwell=lambda: passed)
    calls = (f"/calls/{lossy.call}", f"/calls/{long.call}", f"/calls/{refused}")
    yield Full(console.url, (*PATHS, *calls))
    console.close()
    books.close()


@pytest.mark.parametrize("width", [360, 800, 1024, 1230])
def test_narrow_screens_need_no_sideways_scrolling(
    full: Full, browser: Browser, width: int
) -> None:
    """On every page, long names are cut short and not pushed off the screen."""
    visit = Visit(browser, width)

    for path in full.paths:
        visit.page.goto(full.url + path)
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (path, wide)

    visit.close()


def test_a_report_needs_no_sideways_scrolling(
    books: Books, tmp_path: Path, browser: Browser
) -> None:
    """Its hash is longer than a narrow screen is wide."""
    bench = Workbench(tmp_path / "headgate.toml", tmp_path)
    with closing(Served(books, workbench=bench)) as console, closing(Visit(browser, 360)) as visit:
        visit.page.goto(f"{console.url}/desk?report=claims")

        assert visit.page.get_by_label("What this rests on").count() == 1
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_matters_is_whole_on_narrow_screens(full: Full, browser: Browser) -> None:
    """What became of a call, refusals' codes too, is not cut short; a box to tick can be seen."""
    visit = Visit(browser, 380)

    visit.page.goto(f"{full.url}/calls")
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    states = ".state.measured, .state.held, .state.refused, .state.failed"
    assert visit.page.locator(states).count() >= 4
    assert visit.page.locator(states).evaluate_all(cut) == 0
    visit.page.goto(f"{full.url}/routes")
    heights = "all => all.map(one => one.offsetHeight)"
    about = visit.page.locator(".card-head .grow").evaluate_all(heights)
    assert about
    assert max(about) <= 48
    visit.page.goto(f"{full.url}/prices")
    box = visit.page.get_by_label("The whole book").bounding_box()
    assert box is not None
    assert box["width"] >= 12

    visit.close()


def test_the_head_of_a_page_is_whole_on_usual_screens(full: Full, browser: Browser) -> None:
    """What may be typed into the search is not cut short by the names of the pages."""
    visit = Visit(browser)

    for path in ("/calls", "/approvals"):
        visit.page.goto(full.url + path)
        wide = visit.page.locator(".search").evaluate("one => one.offsetWidth")
        assert wide == 230

    visit.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_open_to_everybody(
    full: Full, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    """axe finds nothing serious or critical in either scheme: contrast, names, roles, order."""
    visit = Visit(browser)
    visit.page.emulate_media(color_scheme=scheme)

    for path in full.paths:
        visit.page.goto(full.url + path)
        assert grave_of(visit.page) == [], path

    visit.close()


def test_the_keyboard_reaches_everything(full: Full, browser: Browser) -> None:
    """Skip link, search, pages, rows, one call, help and theme, without a mouse."""
    visit = Visit(browser)
    page, press = visit.page, visit.page.keyboard.press
    page.goto(full.url)

    press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    press("Enter")
    expect(page.locator("#main")).to_be_focused()
    press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press("Escape")
    press("g")
    press("c")
    expect(page.get_by_role("heading", name="Calls", exact=True)).to_be_visible()
    expect(page.locator("table.rows a.open[data-htmx-powered]").first).to_be_visible()
    press("j")
    press("j")
    press("k")
    expect(page.locator("table.rows a.open").first).to_be_focused()
    press("Enter")
    expect(page.get_by_role("dialog", name="One call")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog", name="One call")).to_be_hidden()
    press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("gr1")
    expect(page.locator("#search")).to_have_value("gr1")
    press("Escape")
    expect(page.locator("#search")).not_to_be_focused()
    visit.close()


def test_a_theme_is_remembered(full: Full, browser: Browser) -> None:
    """Chosen once, it is there on the next page from the first byte on, against the system's."""
    visit = Visit(browser)
    page, paper = visit.page, "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    page.goto(full.url)
    light = page.evaluate(paper)

    page.keyboard.press("t")
    page.keyboard.press("t")
    dark = page.evaluate(paper)
    page.goto(full.url + "/keys")

    assert dark != light
    assert page.evaluate(paper) == dark
    page.get_by_role("button", name="Theme: dark").click()
    assert page.evaluate(paper) == light
    visit.close()


def test_times_are_the_readers(full: Full, browser: Browser) -> None:
    """The first page already shows the browser's zone, and UTC in the tooltip."""
    visit = Visit(browser, zone="Asia/Tokyo")
    visit.page.goto(full.url + "/calls")

    expect(visit.page.get_by_text("Times in Asia/Tokyo")).to_be_visible()
    time = visit.page.locator("table.calls time").first
    expect(time).to_have_text("20:03:21")
    expect(time).to_have_attribute("title", "2026-11-22 11:03:21.250 UTC")
    visit.close()
