"""The page of keys: who holds which, when it was last used and when it ends; never a secret."""

from headgate.identity.registry import KeptKey, keep_key
from tests.console.books import Books


def test_keys_tell_who_and_when_but_no_secret(books: Books, now_ns: int) -> None:
    """Keys of the configuration and made ones, revoked ones too, and when each was last used."""
    made = KeptKey("bob-agent", "bob", ("fast",), "d1ge57", now_ns - 1, now_ns)
    with books.engine.begin() as connection:
        keep_key(connection, made)
    books.hold(principal="alice")
    books.refuse()
    books.fold()
    client = books.client()

    page = client.get("/keys").text
    keys = {row["id"]: row for row in client.get("/keys.json").json()}

    assert "revoked" in page
    assert "d1ge57" not in page + client.get("/keys.csv").text
    assert keys["alice-laptop"]["last_used_at"] == keys["bob-agent"]["last_used_at"]
    assert keys["carol-laptop"]["last_used_at"] is None
    assert keys["bob-agent"]["models"] == ["fast"]


def test_keys_tell_when_they_end(books: Books, now_ns: int) -> None:
    """One that has ended is told as ended, one that will is valid until then."""
    with books.engine.begin() as connection:
        for name, ends_ns in {"over": now_ns, "lasts": now_ns + 400 * 86_400 * 10**9}.items():
            kept = KeptKey(name, "bob", ("fast",), name, now_ns - 1, until_ns=ends_ns)
            keep_key(connection, kept)
    client = books.client()

    rows = client.get("/keys").text.split("<tr>")
    keys = {row["id"]: row for row in client.get("/keys.json").json()}

    (over,) = [row for row in rows if "key=over" in row]
    (lasts,) = [row for row in rows if "key=lasts" in row]
    assert ">ended<" in over and ">valid<" not in over
    assert ">valid<" in lasts and "until <time" in lasts
    assert keys["over"]["ends_at"] < keys["lasts"]["ends_at"]
    assert keys["alice-laptop"]["ends_at"] is None
