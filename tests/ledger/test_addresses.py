"""Addresses of PostgreSQL, which may name several hosts as libpq's own do."""

import pytest

from headgate.store.postgresql import address_of
from headgate.units.errors import StoreError


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        ("one,two", {"host": "one,two"}),
        ("one:5432,two:5433", {"host": "one,two", "port": "5432,5433"}),
        ("one,[::1]:5433", {"host": "one,::1", "port": ",5433"}),
    ],
)
def test_several_hosts_are_told_to_libpq_in_its_own_way(hosts: str, told: dict[str, str]) -> None:
    """And the rest of the address stays as it was."""
    address = address_of(f"postgresql://me:p%40ss@{hosts}/books?target_session_attrs=read-write")

    assert dict(address.query) == {**told, "target_session_attrs": "read-write"}
    assert (address.username, address.password, address.database) == ("me", "p@ss", "books")


def test_one_host_is_read_as_ever() -> None:
    """A comma elsewhere names no other."""
    address = address_of("postgresql://me@db.example:5433/books?application_name=a,b")

    assert (address.host, address.port) == ("db.example", 5433)
    assert dict(address.query) == {"application_name": "a,b"}


@pytest.mark.parametrize(
    "url", ["mysql://me@db/books", "books", "postgresql://db:port/books", "postgresql://a:b:c,d/e"]
)
def test_what_is_no_address_is_refused_with_the_form(url: str) -> None:
    """Not by a traceback of whoever reads it."""
    with pytest.raises(StoreError, match="HOST:PORT,HOST:PORT"):
        address_of(url)
