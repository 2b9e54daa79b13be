"""Signing in and out in a real browser."""

from contextlib import closing
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.console.books import Books
from tests.console.browsing import NEEDS_CHROMIUM, Served, Visit, grave_of

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whoever_signs_out_leaves_nothing_behind(
    books: Books, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    """The button is on every screen, open to everybody; no tab and no way back shows a page."""
    with closing(Served(books, token=TOKEN)) as console, closing(Visit(browser, 360)) as visit:
        page = visit.page
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{console.url}/?token={TOKEN}")
        other = visit.context.new_page()
        other.goto(console.url)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.set_viewport_size({"width": 1280, "height": 800})
        assert page.locator(".search").evaluate("one => one.offsetWidth") == 230
        assert grave_of(page) == []

        page.goto(f"{console.url}/keys")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_have_text("You are signed out.")
        assert grave_of(page) == []

        expect(other.get_by_role("heading", name="Sign in")).to_be_visible(timeout=10_000)
        answer = other.goto(f"{console.url}/keys")
        assert answer is not None
        assert answer.status == 401
        assert visit.complaints == []
        page.go_back()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        visit.complaints.clear()  # the browser says that the page behind the button was a 401
