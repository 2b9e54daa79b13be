"""Signing out, and what becomes of wrong tokens, as browsers and programs meet it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from headgate.console.throttle import PACE_S, WRONG_MAX
from headgate.console.visits import new_visits
from headgate.exports.scraping import Scrape
from headgate.gateway.settings import Edge
from headgate.units.instants import NANOS_PER_SECOND
from tests.console.books import HOST, NOW_NS, Books, make_snapshot

TOKEN = "a-token-of-some-length"
HERE = {"origin": f"http://{HOST}"}
GUESSER = "192.0.2.7"
Show = Callable[..., Response]


def by_form(client: TestClient, token: str) -> Response:
    """Show a token as the form does."""
    return client.post("/login", data={"token": token}, headers=HERE)


def by_link(client: TestClient, token: str) -> Response:
    """Show a token as a link does."""
    return client.get("/calls", params={"token": token})


def by_bearer(client: TestClient, token: str) -> Response:
    """Show a token as a program that scrapes does."""
    return client.get("/metrics", headers={"authorization": f"Bearer {token}"})


class Console:
    """A console with a token, before which browsers come, and its clock."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._visits = new_visits(b"the secret of this process")
        self._scrape = Scrape(books.reading, books.data_dir / "journal")
        self.edge = Edge()
        self.token = TOKEN
        self.now_ns = NOW_NS

    def client(self, address: str = "127.0.0.1") -> TestClient:
        """Return a browser at an address, before the console as it is configured now."""
        return self._books.client(
            address,
            token=self.token,
            now_ns=lambda: self.now_ns,
            visits=self._visits,
            scrape=self._scrape,
            snapshot=replace(make_snapshot(), edge=self.edge),
        )

    def restart(self) -> None:
        """Go on as another process."""
        self._visits = new_visits(b"the secret of another process")

    def go(self, seconds: int) -> None:
        """Let time pass."""
        self.now_ns += seconds * NANOS_PER_SECOND


@pytest.fixture
def console(books: Books) -> Console:
    """A console to which nobody has come yet."""
    return Console(books)


def _guess(client: TestClient, show: Show = by_form) -> None:
    """Show as many wrong tokens as are looked at."""
    for number in range(WRONG_MAX):
        assert show(client, f"wrong-{number}").status_code == 401


def test_whoever_signs_out_must_show_the_token_anew(console: Console) -> None:
    """The button ends the session and leads to the form, which says so."""
    client = console.client()
    by_form(client, TOKEN)
    assert client.get("/").status_code == 200

    answer = client.post("/logout", headers=HERE)

    assert answer.status_code == 303
    assert "You are signed out." in client.get(answer.headers["location"]).text
    assert client.get("/").status_code == 401
    assert "You are signed out." not in client.get("/login").text
    console.go(1)
    assert by_form(client, TOKEN).status_code == 303
    assert client.get("/").status_code == 200


def test_a_copy_of_the_cookie_is_signed_out_too(console: Console) -> None:
    """The session ends at the console, also under the next configuration, and no other does."""
    client, other = console.client(), console.client()
    by_form(client, TOKEN)
    console.go(1)
    by_form(other, TOKEN)
    copied = dict(client.cookies)
    client.post("/logout", headers=HERE)

    copy = console.client()
    copy.cookies.update(copied)

    assert copy.get("/").status_code == 401
    assert other.get("/").status_code == 200


def test_other_sites_sign_nobody_out(console: Console) -> None:
    """What asks for it must be a form of this console; opening an address does not do."""
    client = console.client()
    by_form(client, TOKEN)
    origins: list[dict[str, str]] = [{}, {"origin": "null"}, {"origin": "http://evil.example"}]

    assert {client.post("/logout", headers=each).status_code for each in origins} == {403}
    assert client.get("/logout").status_code == 405
    assert client.get("/").status_code == 200


def test_who_is_not_signed_in_ends_nothing(books: Books, console: Console) -> None:
    """A stranger gets the form; where no token is asked for, there is nothing to sign out of."""
    assert console.client().post("/logout", headers=HERE).status_code == 401

    open_to_all = books.client()

    assert open_to_all.post("/logout", headers=HERE).headers["location"] == "/"
    assert "Sign out" not in open_to_all.get("/").text


def test_the_button_is_shown_to_whom_it_serves(console: Console) -> None:
    """Every page has it, and the form and what errors tell strangers have not."""
    client = console.client()
    assert "Sign out" not in client.get("/login").text
    by_form(client, TOKEN)

    assert all("Sign out" in client.get(path).text for path in ("/", "/calls", "/approvals"))


def test_sessions_end_with_the_steward_and_under_another_token(console: Console) -> None:
    """Not under another configuration; and what was signed out can come alive by none of them."""
    client = console.client()
    by_form(client, TOKEN)

    def seen() -> int:
        again = console.client()
        again.cookies.update(client.cookies)
        return again.get("/").status_code

    assert seen() == 200
    console.token = "another-token"
    assert seen() == 401
    console.token = TOKEN
    assert seen() == 200
    console.restart()
    assert seen() == 401


@pytest.mark.parametrize("show", [by_form, by_link, by_bearer])
def test_wrong_tokens_are_slowed_down_in_whatever_way(console: Console, show: Show) -> None:
    """After a few, not even the right one is looked at by any way; the answer says for how long."""
    client = console.client(GUESSER)
    _guess(client, show)

    for way in (by_form, by_link, by_bearer):
        answer = way(client, TOKEN)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == str(PACE_S)
        assert f"Wait {PACE_S} seconds" in answer.text
        assert "set-cookie" not in answer.headers
    console.go(PACE_S - 1)
    assert "Wait 1 second," in show(client, TOKEN).text
    console.go(1)
    assert show(client, "wrong").status_code == 401
    assert show(client, TOKEN).status_code == 429
    console.go(PACE_S)
    assert show(client, TOKEN).status_code in (200, 303)


def test_nothing_but_a_token_is_counted(console: Console) -> None:
    """Whoever is not signed in may ask as often as they like, with whatever cookie."""
    client = console.client()
    client.cookies.set("headgate_console", f"{NOW_NS}.{'0' * 64}")
    for _ in range(3 * WRONG_MAX):
        assert client.get("/").status_code == 401
        assert client.get("/metrics").status_code == 401

    assert by_form(client, TOKEN).status_code == 303


def test_a_program_with_an_outdated_token_keeps_nobody_out(console: Console) -> None:
    """It shows the same one again and again, from where others come too."""
    for _ in range(3 * WRONG_MAX):
        assert by_bearer(console.client(), "outdated").status_code == 401

    assert by_form(console.client(), TOKEN).status_code == 303


def test_who_guesses_keeps_out_no_other_address(console: Console) -> None:
    """The right token opens at once from everywhere else; whoever is signed in sees nothing."""
    inside = console.client(GUESSER)
    by_form(inside, TOKEN)
    _guess(console.client(GUESSER))

    assert by_form(console.client(GUESSER), TOKEN).status_code == 429
    assert by_form(console.client("192.0.2.8"), TOKEN).status_code == 303
    assert inside.get("/").status_code == 200
    assert inside.get("/", params={"token": "wrong"}).status_code == 303


def test_who_guesses_keeps_out_no_browser_that_was_signed_in(console: Console) -> None:
    """Although they share an address, and although the session has ended since."""
    client = console.client(GUESSER)
    by_form(client, TOKEN)
    client.post("/logout", headers=HERE)
    _guess(console.client(GUESSER))

    assert by_form(client, TOKEN).status_code == 303


def test_a_browser_that_was_signed_in_does_not_guess_freely(console: Console) -> None:
    """What marks it opens nothing, is counted by itself, and is worth nothing when changed."""
    client = console.client(GUESSER)
    by_form(client, TOKEN)
    client.post("/logout", headers=HERE)
    assert client.get("/").status_code == 401
    _guess(client)
    assert by_form(client, TOKEN).status_code == 429

    client.cookies.set("headgate_console_known", f"1.{'0' * 64}", domain="127.0.0.1")
    _guess(client)

    assert by_form(client, TOKEN).status_code == 429


def test_a_network_that_one_subscriber_has_is_one(console: Console) -> None:
    """Nobody guesses more by changing the lower half of an IPv6 address."""
    _guess(console.client("2001:db8::1"))

    assert by_form(console.client("2001:db8::ffff:2"), TOKEN).status_code == 429
    assert by_form(console.client("2001:db8:0:1::1"), TOKEN).status_code == 303


def test_a_trusted_proxy_says_who_guesses(console: Console) -> None:
    """Behind it, the others are let in; what anybody else says of themselves counts for nothing."""
    console.edge = Edge(trusted_proxies=(ip_network("10.0.0.0/8"),))
    proxy, liar = console.client("10.0.0.1"), console.client(GUESSER)
    proxy.headers["x-forwarded-for"] = GUESSER
    _guess(proxy)

    liar.headers["x-forwarded-for"] = "192.0.2.8"
    assert by_form(liar, TOKEN).status_code == 429
    proxy.headers["x-forwarded-for"] = "192.0.2.8"
    assert by_form(proxy, TOKEN).status_code == 303


def test_the_log_tells_of_who_guesses(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    """Once, with the address, and without what was shown."""
    with caplog.at_level(logging.WARNING):
        client = console.client(GUESSER)
        _guess(client)
        for number in range(3):
            console.go(PACE_S)
            by_form(client, f"wrong-again-{number}")

    (told,) = (each.getMessage() for each in caplog.records if "wrong" in each.getMessage())
    assert GUESSER in told
    assert "wrong-" not in told
