"""Signing in in a real browser."""

from contextlib import closing

from playwright.sync_api import Browser, expect

from tests.console.books import Books
from tests.console.browsing import NEEDS_CHROMIUM, Served, Visit

TOKEN = "a-token-of-some-length"

pytestmark = NEEDS_CHROMIUM


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
