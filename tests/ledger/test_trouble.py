"""What is said when a store is lost."""

from pathlib import Path

import pytest
from sqlalchemy.exc import ProgrammingError

from headgate.store.database import make_engine
from headgate.store.trouble import trouble_told
from headgate.units.errors import StoreError


def test_a_store_that_cannot_be_opened_is_told_in_a_line_and_a_bug_is_not(tmp_path: Path) -> None:
    """The line has no statement in it; what only a statement of ours can cause stays what it is."""
    with pytest.raises(StoreError) as lost, trouble_told():
        make_engine(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}").connect()
    assert str(lost.value).startswith("The store is lost: unable to open database file;")
    assert "\n" not in str(lost.value)
    assert "headgate doctor" in str(lost.value.fix)

    wrong = ProgrammingError("SELECT 1", {}, ValueError("no such column"))
    with pytest.raises(ProgrammingError), trouble_told():
        raise wrong
