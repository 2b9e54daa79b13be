"""Making corrections: by the steward, or by whoever asks when no node runs."""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from headgate.ledger.keeper import Keeper
from headgate.ledger.keeper_adjustments import adjust
from headgate.node.commands import by_steward
from headgate.node.corrections import Adjust, Corrected
from headgate.node.messages import Failed
from headgate.node.paths import journal_root
from headgate.records.adjustment import Adjusted, Adjustment
from headgate.store.place import node_id
from headgate.units.errors import JournalError

MESSAGE_MAX = 1_000
"""So many corrections go in one message, which is one journal."""


def make_adjustments(data_dir: Path, wanted: Sequence[Adjustment], by: str) -> Adjusted:
    """Have corrections made, durably; asked for again they are known, and made once.

    Raises:
        JournalError: There is no room for them; what was made before is kept.
        StewardUnavailableError: A node runs, but its steward does not answer.
        StoreError: None runs and the store cannot be opened.
    """
    made = Adjusted()
    for at in range(0, len(wanted), MESSAGE_MAX):
        more = _ask(data_dir, Adjust(tuple(wanted[at : at + MESSAGE_MAX]), by))
        made = Adjusted(
            made.made + more.made,
            made.amount_nanos + more.amount_nanos,
            made.known + more.known,
            made.refused + more.refused,
        )
    return made


def _ask(data_dir: Path, message: Adjust) -> Adjusted:
    answer = by_steward(data_dir, message, lambda engine: _alone(engine, data_dir, message))
    if isinstance(answer, Failed):
        raise JournalError(answer.reason)
    assert isinstance(answer, Corrected), answer
    return answer.adjusted


def answer_adjust(keeper: Keeper, engine: Engine, message: Adjust) -> Corrected | Failed:
    """Make the corrections of a message.

    Raises:
        StoreError: The store could not be written.
    """
    at_ns = time.time_ns()
    epoch = f"{at_ns // 1_000_000:011x}{secrets.token_hex(4)}"
    try:
        made = adjust(keeper, engine, message.adjustments, by=message.by, epoch=epoch, at_ns=at_ns)
    except JournalError as error:
        return Failed(f"{error}")
    return Corrected(made)


def _alone(engine: Engine, data_dir: Path, message: Adjust) -> Corrected | Failed:
    # Nobody borrows while no node runs, so no limit is asked for.
    keeper = Keeper(engine, journal_root(data_dir), lambda _window: None, node_id(data_dir))
    keeper.discover()
    return answer_adjust(keeper, engine, message)
