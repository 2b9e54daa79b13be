"""The steward process: alone writes the store; lends, folds, takes over, runs the console."""

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from headgate.budgets.keeper import WATCH_S
from headgate.config.snapshot import Snapshot
from headgate.experience.rows import Experience
from headgate.exports.scraping import Scrape
from headgate.identity import registry
from headgate.ledger.keeper import Keeper
from headgate.ledger.store_repeats import Repeats, open_repeats
from headgate.node import commands, locks
from headgate.node.adjusting import answer_adjust
from headgate.node.answering import Answering
from headgate.node.approving import Approving
from headgate.node.batching import batch_always
from headgate.node.budgeting import Budgeting
from headgate.node.carving import Carving
from headgate.node.control.registry import Desk
from headgate.node.corrections import Adjust, Corrected, KeepCells
from headgate.node.ending import told_plainly
from headgate.node.exporting import exporters
from headgate.node.in_force import SECRETS_OF_STEWARD, read
from headgate.node.learning import learning_of
from headgate.node.lending import Lending
from headgate.node.messages import (
    AskApproval,
    AskControl,
    AskHealth,
    Borrow,
    Carve,
    Crowd,
    Done,
    Failed,
    GiveBack,
    Hello,
    LetGo,
    Message,
    RevokeDelegation,
    RevokeKey,
    TakeUp,
    Unwell,
    UseApproval,
    pack,
)
from headgate.node.minute_sharing import MinuteMessage, MinuteSharing
from headgate.node.pages import Pages, console_server, pages_maker
from headgate.node.paths import journal_root, run_dir, socket_path, write_pid
from headgate.node.reconciling import answer_keep, reconcile_always
from headgate.node.remembering import Remembering
from headgate.node.rolling import roll_up_always
from headgate.node.rules import Rules
from headgate.node.sharing import Sharing
from headgate.node.spreading import PlaceMessage, Spreading
from headgate.node.staying import settle_in
from headgate.node.stopping import outlive, stop_event
from headgate.node.telling import tell_always
from headgate.node.told import Told
from headgate.node.unpacking import Unpacker
from headgate.node.watching import watch_deployments
from headgate.store.database import open_store_readonly
from headgate.store.migrate import open_store
from headgate.store.place import node_id
from headgate.store.trouble import trouble_told
from headgate.units.errors import StoreError

FOLD_S = 0.25  # A transaction of the store costs as much as folding a hundred calls.


class Steward:
    """What the steward keeps in memory, and what it does about each message.

    Attributes:
        workers: The workers that are connected, by the name of their journal.
        broken: Gets the error when the store fails: then this process has to end.
        tellers: Tell webhooks, and whoever is sent what happened, one each.
    """

    def __init__(self, rules: Rules, engine: Engine, data_dir: Path) -> None:
        self.rules = rules
        self.engine = engine
        self.reading = open_store_readonly(data_dir)
        self.sharing = Sharing(engine, node_id(data_dir), self)
        self.repeats = Repeats(open_repeats(data_dir), self.reading, self.fold)
        self.approving = Approving(engine, self, lambda: self.rules.snapshot.approvals)
        self.root = journal_root(data_dir)
        self.budgeting = Budgeting(rules, engine, self.approving.raised)
        self.keeper = Keeper(engine, self.root, self.budgeting.limits, self.sharing.node)
        self.budgeting.begin(self.keeper, time.time_ns())
        self.workers: dict[str, asyncio.StreamWriter] = {}
        self.lending = Lending(self.keeper, self.sharing.tell_lender, self.fail)
        here = self.workers.keys()
        self.carving = Carving(rules, self.budgeting.limits, self.keeper, self.lending, here)
        self.spreading = Spreading(self.rules.places_at, self.living, here, self.tell_worker)
        self.minutes = MinuteSharing(rules, here, self.tell_worker, time.time_ns)
        self.told = Told(here, self.tell_worker)
        self.learning = learning_of(self, data_dir)
        self.remembering = Remembering(data_dir, self.workers)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._epoch = 0
        self.answering = Answering(self._desk, self.lending, self.tell_worker, self.fail)
        self.tellers: list[asyncio.Task[None]] = []

    def _desk(self) -> Desk:
        """Return what control requests are answered with, under the rules in force now."""
        return Desk(
            self.rules.snapshot,
            self.engine,
            self.reading,
            self.keeper,
            self.fold,
            changed=self.changed,
            repeats=self.repeats,
            approving=self.approving,
            now_ns=time.time_ns,
            lacking=[],
            unanswered=self.keeper.line.recalled.unanswered,
        )

    def changed(self) -> None:
        """Tell every worker what holds now, here and at other nodes."""
        self._show_state()
        self.sharing.tell()

    def _show_state(self) -> None:
        self._epoch += 1
        self.tell_workers(pack(commands.state(self.engine, self._epoch)))

    def take_up_changes(self) -> None:
        """Take up what another node has changed in the store."""
        self.approving.look_again()
        self.end_allotments()
        self._show_state()

    def tell_worker(self, journal: str, message: Message) -> None:
        """Send a message to a worker, if it is connected."""
        if (writer := self.workers.get(journal)) is not None:
            writer.write(pack(message))

    def fail(self, error: Exception) -> None:
        """End this process: the books cannot be kept."""
        if not self.broken.done():
            self.broken.set_exception(error)

    def tell_workers(self, data: bytes) -> None:
        """Send a packed message to every worker."""
        for writer in self.workers.values():
            writer.write(data)

    def living(self) -> set[str]:
        """Return the journals of workers that are connected, or may be soon."""
        return {*self.workers, *self.keeper.journals}

    def living_anywhere(self) -> set[str]:
        """Return those, and the ones of other nodes that share the store."""
        return self.living() | self.sharing.journals_elsewhere()

    def fold(self) -> None:
        """Fold all that the journals have by now."""
        while self.keeper.fold() and self.keeper.behind:
            pass

    def take_over_the_dead(self) -> None:
        """Close the journals whose workers are gone."""
        for name in list(self.keeper.journals):
            if name not in self.workers:
                self.keeper.take_over(name, time.time_ns())

    def answer(self, message: Message, journal: str) -> Message | None:
        """Do what a message asks; returns the answer, None when there is none."""
        if isinstance(message, AskControl):
            return self.answering.answer(message, journal)
        if isinstance(message, AskApproval | UseApproval | LetGo):
            return self.approving.answer(message, journal)
        if isinstance(message, Unwell | Crowd | AskHealth):
            return self.told.answer(journal, message)
        if isinstance(message, TakeUp):
            return self._take_up(message)
        if isinstance(message, Borrow | GiveBack):
            self.lending.hear(message, journal)
            if isinstance(message, GiveBack):
                self.sharing.returned(message.amounts)
        elif isinstance(message, Experience):
            self.remembering.hear(journal, message)
        elif isinstance(message, PlaceMessage):
            self.spreading.hear(message, journal)
        elif isinstance(message, MinuteMessage):
            self.minutes.hear(message, journal)
        else:
            return self._carry_out(message)
        return None

    def _carry_out(self, message: Message) -> Done | Failed | Corrected:
        if isinstance(message, Adjust):
            return answer_adjust(self.keeper, self.engine, message)
        if isinstance(message, KeepCells):
            return answer_keep(self.engine, message, self.rules.snapshot.reconcile.alert_nanos)
        assert isinstance(message, commands.Command), message
        answer = commands.carry_out(self.engine, message, time.time_ns())
        if isinstance(message, RevokeKey | RevokeDelegation):
            self.end_allotments()
        self.approving.read_raises()
        self.changed()
        return answer

    def end_allotments(self) -> None:
        """End the allotments whose delegation or key has ended or was revoked."""
        now_ns = time.time_ns()
        with self.engine.connect() as connection:
            valid = registry.valid_ids(connection, self.rules.snapshot.keys, now_ns)
            revoked = frozenset(registry.revoked_delegations(connection))
        self.keeper.end_allotments(lambda each: each.is_over(now_ns, valid, revoked), now_ns)
        self.lending.call_in()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one worker or command line until it hangs up."""
        unpacker, journal = Unpacker(), ""
        try:
            while data := await reader.read(65_536):
                for message in unpacker.feed(data):
                    if journal and self.workers.get(journal) is not writer:
                        # It has connected anew, was told what it has: what it said before is void.
                        return
                    if isinstance(message, Hello):
                        journal, unpacker.lenient = message.journal, True
                        self._welcome(journal, writer)
                        continue
                    if isinstance(message, Carve):
                        await self.lending.carve(message, journal)
                        # A worker may ask before it knows that what it asks for was revoked.
                        self.end_allotments()
                        continue
                    answer = self.answer(message, journal)
                    if answer is not None:
                        writer.write(pack(answer))
                await writer.drain()
        except (ConnectionError, msgspec.MsgspecError, ValueError):
            # A peer that died or speaks another protocol is no matter for the others.
            pass
        except (StoreError, SQLAlchemyError) as error:
            self.fail(error)
        finally:
            if self.workers.get(journal) is writer:
                del self.workers[journal]
                self.told.forget(journal)
                self.lending.part(journal)
            writer.close()

    def _welcome(self, journal: str, writer: asyncio.StreamWriter) -> None:
        self.keeper.discover()
        self.workers[journal] = writer
        greeting = self.sharing.greeting() + self.learning.greeting() + self.remembering.greeting()
        writer.write(greeting + pack(commands.state(self.engine, self._epoch)))
        self.lending.meet(journal)

    def work(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what the steward does all the time; none of it ends by itself."""
        yield from (self.fold_always(), self.watch_always(), self.approving.watch_always())
        yield from (self.learning.learn_always(), self.remembering.keep_always())
        yield from self.sharing.work()
        yield batch_always(self)
        rolling = partial(roll_up_always, self.engine, self.reading)
        for each in (rolling, partial(reconcile_always, self), partial(watch_deployments, self)):
            yield self.sharing.when_leading(each)

    def tell(self) -> None:
        """Tell whom the configuration in force names from now on, and nobody else."""
        for task in self.tellers:
            task.cancel()
        snapshot, leading = self.rules.snapshot, self.sharing.when_leading
        hooks = snapshot.webhooks.values()
        telling = [leading(partial(tell_always, self.engine, hook)) for hook in hooks]
        telling += exporters(self.engine, self.reading, self.root, snapshot)
        self.tellers = [asyncio.create_task(each) for each in telling]
        for task in self.tellers:
            task.add_done_callback(self._told)

    def _told(self, teller: asyncio.Task[None]) -> None:
        if not teller.cancelled() and not self.broken.done():
            error = teller.exception()
            assert error is not None, "a teller ends by itself"
            self.broken.set_exception(error)

    def _take_up(self, message: TakeUp) -> Done | Failed:
        answer = self.rules.take_up(self.engine, Path(message.in_force))
        if isinstance(answer, Done):
            self.budgeting.keep_periods(time.time_ns())
            self.end_allotments()
            self.tell()
            self.carving.take_up(time.time_ns())
        return answer

    async def watch_always(self) -> None:
        """Look at what budgets spend every `WATCH_S`, and raise their alarms."""
        while True:
            await asyncio.sleep(WATCH_S)
            now_ns = time.time_ns()
            self.end_allotments()
            self.budgeting.watch(now_ns)
            self.repeats.sweep(self.rules.snapshot.idempotency, now_ns)

    async def fold_always(self) -> None:
        """Fold journals about every `FOLD_S`; what was not all is followed at once by the rest."""
        while True:
            self.keeper.fold()
            self.take_over_the_dead()
            self.carving.look(time.time_ns())
            self.spreading.look()
            await asyncio.sleep(0 if self.keeper.behind else FOLD_S)


async def run(
    read: Callable[[Path], Snapshot],
    in_force: Path,
    data_dir: Path,
    *,
    make_pages: Callable[[Engine, Scrape], Pages],
    alive_fd: int,
) -> None:
    """Serve until told to stop; outlives the workers so that their last records are folded."""
    stop = stop_event(alive_fd)
    if not await locks.alone(data_dir, "steward", stop):
        return
    engine, reading = open_store(data_dir), open_store_readonly(data_dir)
    scrape = Scrape(reading, journal_root(data_dir))
    pages = make_pages(reading, scrape)
    rules = Rules(read, in_force, pages)
    steward = Steward(rules, engine, data_dir)
    pages.unwell, pages.queued = steward.told.passed_over, steward.told.queued
    steward.sharing.look()
    steward.keeper.discover()
    steward.take_over_the_dead()
    steward.end_allotments()
    path = socket_path(data_dir)
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(steward.serve, str(path))
    path.chmod(0o600)
    write_pid(data_dir, "steward")
    working = [asyncio.create_task(each) for each in steward.work()]
    steward.tell()
    console = console_server(pages, rules.snapshot.console.host)
    serving = asyncio.create_task(console.serve())
    stopped = asyncio.create_task(stop.wait())
    settle_in()
    ends: set[asyncio.Future[Any]] = {stopped, steward.broken, *working}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for broken in (*working, steward.broken):
        if broken.done():
            # The books cannot be kept: crash, so that a new steward starts from the store.
            broken.result()
    # Nobody new is welcome: a worker that starts now belongs to the next steward.
    server.close()
    await outlive(steward.workers)
    for task in (*working, *steward.tellers):
        task.cancel()
    console.should_exit = True
    await serving
    steward.fold()
    steward.take_over_the_dead()
    steward.remembering.keep()
    steward.sharing.leave()


def main() -> None:
    """Run as `python -m headgate.node.steward`; started by the supervisor."""
    parser = argparse.ArgumentParser(prog="headgate steward")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--in-force", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--console-port", type=int, required=True)
    parser.add_argument("--gateway-url", required=True)
    parser.add_argument("--alive-fd", type=int, default=-1)
    arguments = parser.parse_args()
    run_dir(arguments.data_dir)
    with told_plainly("steward"), trouble_told():
        uvloop.run(
            run(
                lambda in_force: read(arguments.config, in_force, os.environ, SECRETS_OF_STEWARD),
                arguments.in_force,
                arguments.data_dir,
                make_pages=pages_maker(arguments),
                alive_fd=arguments.alive_fd,
            )
        )


if __name__ == "__main__":
    main()
