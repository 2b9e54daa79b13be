"""The steward's side of approvals, on a store of its own: time, tampering, repeated questions."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event, update

from headgate.governance.keeper import PENDING_MAX, Decision, find, listed
from headgate.governance.requests import Request
from headgate.governance.settings import Rule
from headgate.governance.tables import approval
from headgate.node.approving import Approving
from headgate.node.messages import AskApproval, Decided, LetGo, UseApproval
from headgate.node.unpacking import Unpacker
from headgate.records.approval import Asking
from headgate.store import audit
from headgate.units.errors import Refusal
from tests.governance.shown import ASKING, SHOWN
from tests.stores import open_test_store

JOURNAL = "worker-0-a"


class Workers:
    """The workers that a steward knows."""

    def __init__(self) -> None:
        self.alive = {JOURNAL}
        self.heard: list[Decided] = []

    def living_anywhere(self) -> set[str]:
        """Return the journals of the living."""
        return self.alive

    def tell_workers(self, data: bytes) -> None:
        """Keep what is said."""
        for message in Unpacker().feed(data):
            assert isinstance(message, Decided)
            self.heard.append(message)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A store."""
    engine = open_test_store(tmp_path_factory.mktemp("store"))
    yield engine
    engine.dispose()


@pytest.fixture
def workers(engine: Engine) -> Iterator[Workers]:
    """One worker; afterwards the audit chain is whole and nobody is asked anything."""
    yield Workers()
    with engine.begin() as connection:
        assert audit.verify(connection).broken_at is None
        connection.execute(approval.delete())


@pytest.fixture
def approving(engine: Engine, workers: Workers) -> Approving:
    """The steward's side, with a rule whose approver is bob."""
    return Approving(engine, workers, lambda: {"dear": Rule("dear", "organisation", ("bob",))})


def kept(engine: Engine) -> Request:
    """Return the one request."""
    with engine.connect() as connection:
        (request,) = listed(connection)
    return request


def approve(approving: Approving, engine: Engine) -> Request | Refusal:
    """Approve the one request as bob."""
    return approving.decide("apr_1", Decision("approve", "bob", ""), kept(engine).digest)


def use(approving: Approving, call: str = "call_2") -> Decided:
    """Use the one request."""
    told = approving.answer(UseApproval(Asking("apr_1", call, 60, SHOWN)), JOURNAL)
    assert told is not None
    return told


def test_what_nobody_decides_expires_and_whoever_waits_is_told(
    approving: Approving, workers: Workers, engine: Engine
) -> None:
    """At the end of its time a request is over, approved or not, and says so."""
    approving.answer(AskApproval(ASKING), JOURNAL)
    request = kept(engine)

    approving.watch(request.expires_ns - 1)
    assert kept(engine).status == "pending"
    approving.watch(request.expires_ns)

    assert kept(engine).status == "expired"
    assert [each.told.code for each in workers.heard] == ["approval_expired"]
    assert use(approving).told.code == "approval_expired"


def test_asking_and_using_may_be_repeated_by_the_same_call_only(
    approving: Approving, engine: Engine
) -> None:
    """Either side may die in between: the same question has the same answer, another has not."""
    first = approving.answer(AskApproval(ASKING), JOURNAL)
    assert approving.answer(AskApproval(ASKING), JOURNAL) == first
    assert use(approving).told.status == "pending"
    assert isinstance(approve(approving, engine), Request)

    assert [use(approving).told.status, use(approving).told.status] == ["used", "used"]
    assert use(approving, "call_3").told.code == "approval_used"


def test_what_was_altered_in_the_store_is_neither_approved_nor_used(
    approving: Approving, engine: Engine
) -> None:
    """The digest is computed anew from what is kept, before each step."""
    approving.answer(AskApproval(ASKING), JOURNAL)
    shown = kept(engine).shown.replace("50000000", "50")
    with engine.begin() as connection:
        connection.execute(update(approval).values(shown=shown))

    refused = approve(approving, engine)

    assert isinstance(refused, Refusal)
    assert refused.code.code == "approval_altered"
    assert use(approving).told.code == "approval_altered"


def test_a_request_ends_with_whoever_waits_for_it(
    approving: Approving, workers: Workers, engine: Engine
) -> None:
    """A dead worker's is withdrawn; one that was let go of is not, and stays for its ticket."""
    approving.answer(AskApproval(ASKING), JOURNAL)
    approving.answer(LetGo("apr_1", withdrawn=False), JOURNAL)
    workers.alive = set()
    approving.watch(0)
    assert kept(engine).status == "pending"
    approving.answer(LetGo("apr_1", withdrawn=True), JOURNAL)
    assert kept(engine).status == "withdrawn"

    approving.answer(AskApproval(Asking("apr_2", "call_2", 60, SHOWN)), JOURNAL)
    approving.watch(0)
    with engine.connect() as connection:
        orphan = find(connection, "apr_2")
    assert orphan is not None
    assert orphan.status == "withdrawn"


def test_a_rule_that_is_in_force_no_more_has_no_approvers(engine: Engine, workers: Workers) -> None:
    """Who may decide is looked up when they do."""
    approving = Approving(engine, workers, dict)
    approving.answer(AskApproval(ASKING), JOURNAL)

    refused = approve(approving, engine)

    assert isinstance(refused, Refusal)
    assert refused.code.code == "not_permitted"


def test_nobody_fills_the_store_with_requests(approving: Approving) -> None:
    """Beyond a number that wait to be decided, a principal's calls are refused."""
    answers = [
        approving.answer(AskApproval(Asking(f"apr_{number}", "call_1", 60, SHOWN)), JOURNAL)
        for number in range(PENDING_MAX + 1)
    ]

    codes = [each.told.code for each in answers if each is not None]
    assert codes == [None] * PENDING_MAX + ["overloaded"]


def test_nothing_is_remembered_of_requests_beyond_too_many(
    approving: Approving, engine: Engine
) -> None:
    """Else who asks without end has the steward look for ever more when another node decides."""
    for number in range(PENDING_MAX + 20):
        approving.answer(AskApproval(Asking(f"apr_{number}", "call_1", 60, SHOWN)), JOURNAL)
    looked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        looked.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        approving.look_again()
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert sum("FROM approval" in each for each in looked) == PENDING_MAX
