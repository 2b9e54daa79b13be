"""A worker process: the edge, the pipeline, the relay and its own journal; nothing else."""

import argparse
import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import uvloop

from headgate.app import Steward, data_plane
from headgate.config.credentials import Credentials
from headgate.config.snapshot import Snapshot
from headgate.gateway.client.logged import welcome
from headgate.gateway.cuts import cut
from headgate.gateway.listener.access_log import AccessLog
from headgate.gateway.listener.door import Door
from headgate.gateway.listener.kept import tls_of
from headgate.gateway.pipeline import Pipeline
from headgate.gateway.settings import SWEEP_MS, Tls
from headgate.gateway.sweep import sweep
from headgate.gateway.world import World
from headgate.identity.directory import Directory
from headgate.identity.keys import load_pepper
from headgate.ledger.line import Grant, Outcome
from headgate.node.by_turns import ByTurns
from headgate.node.credentials import keep_fresh
from headgate.node.durable import journal_syncs, open_journal, see_out_failed
from headgate.node.ending import told_plainly
from headgate.node.hearsay import Hearsay
from headgate.node.imparting import Imparting, impart
from headgate.node.in_force import SECRETS_OF_WORKER, read
from headgate.node.leaving import announce, brings_nothing, drain, hand_over
from headgate.node.link import StewardLink
from headgate.node.messages import Crowd, Hello, State, Unwell
from headgate.node.minute_telling import MinuteTelling
from headgate.node.parts import part_of
from headgate.node.paths import retiring_path, socket_path, write_pid
from headgate.node.placing import Placing
from headgate.node.rows import QueuedRow
from headgate.node.staying import settle_in
from headgate.node.stopping import (
    end_with,
    first_of,
    retire_event,
    stop_event,
    tell_failure,
)
from headgate.node.tallying import tallying
from headgate.node.taught import taught
from headgate.records.priority import PRIORITIES
from headgate.store.disk import Disk

MEET_TIMEOUT_S = 60
Parts = tuple[Placing, MinuteTelling]
"""A worker's parts of what all workers share beside money."""


def new_epoch(now_ns: int) -> str:
    """Return a name unique to this process that sorts by time."""
    return f"{now_ns // 1_000_000:011x}{secrets.token_hex(2)}"


class KeysMadeLater:
    """Applies to a directory the keys made at run time, and takes away what was revoked."""

    def __init__(self, directory: Directory, snapshot: Snapshot) -> None:
        self._directory = directory
        self._credentials = Credentials(snapshot)
        self._known: set[bytes] = set()

    def apply(self, state: State) -> None:
        """Make the directory know just the keys that are valid now."""
        valid: set[bytes] = set()
        for row in state.credentials:
            credential = self._credentials.of(row.key, row.principal, row.models, row.until_ns)
            if credential is None:
                # Its principal is configured no more: the key opens nothing.
                continue
            key_digest = bytes.fromhex(row.digest)
            valid.add(key_digest)
            self._directory.add_digest(
                key_digest,
                credential,
                None if row.root is None else bytes.fromhex(row.root),
            )
        for gone in self._known - valid:
            self._directory.remove_digest(gone)
        self._known = valid
        self._directory.revoke(frozenset(state.revoked))


class Entrance(NamedTuple):
    """What the supervisor hands on.

    Attributes:
        listening: The socket that clients connect to.
        kept: The last certificate that was good, None when none was kept.
    """

    listening: socket.socket
    kept: Tls | None


async def run(
    snapshot: Snapshot, data_dir: Path, *, name: str, entrance: Entrance, alive_fd: int
) -> None:
    """Serve until told to stop or to retire, then finish what runs and seal the journal."""
    epoch, disk = new_epoch(time.time_ns()), Disk(snapshot.journal.durability)
    journal = open_journal(data_dir, name, epoch, disk)
    link = StewardLink(socket_path(data_dir), Hello(name, journal.name, os.getpid()))
    world = data_plane(
        snapshot,
        pepper=load_pepper(data_dir),
        journal=journal,
        steward=_steward(link, lambda: link.connected and not journal.failed),
        now_ns=time.time_ns,
        call_soon=asyncio.get_running_loop().call_soon,
    )
    counter = tallying()
    world = replace(
        world,
        syncs=journal_syncs(journal, disk),
        access_log=_access_log(snapshot, name),
        spool=data_dir / "spool",
        batches=data_dir,
        tallier=counter,
    )
    pipeline = Pipeline(world)
    parts = (_placing(link, pipeline), _telling(link, pipeline))
    _connect(link, pipeline, KeysMadeLater(world.directory, snapshot), parts)
    hurry, retiring, failing = asyncio.Event(), retire_event(), asyncio.Event()
    stop = stop_event(alive_fd, hurry)
    keeping_up = asyncio.create_task(link.keep_up())
    if not await _meet(link, stop):
        keeping_up.cancel()
        journal.close(time.time_ns())
        return
    sweeping = end_with(_sweep_always(pipeline, link, parts, failing), stop, "its sweep")
    keepers = await keep_fresh(world, Path(snapshot.file).parent)
    door = Door(snapshot.edge, entrance.listening, welcome(pipeline), entrance.kept)
    await door.open_anyhow()
    keepers.append(asyncio.create_task(door.keep_fresh()))
    write_pid(data_dir, name)
    settle_in()
    await first_of(stop, retiring, failing)
    if failing.is_set():
        await see_out_failed(pipeline, stop)
    elif stop.is_set():
        await announce(pipeline, hurry)
    door.close()
    if retiring.is_set() and not stop.is_set() and not failing.is_set():
        await _hand_over(pipeline, door, link, stop, data_dir)
    await drain(pipeline, door, hurry)
    for task in (sweeping, keeping_up, *keepers):
        task.cancel()
    if counter is not None:
        await counter.close()
    _close(world)
    impart(world.notebook, link)
    link.close()
    tell_failure(sweeping)


def _steward(link: StewardLink, ready: Callable[[], bool]) -> Steward:
    return Steward(
        ask=link.ask,
        carve=link.carve,
        give_back=link.give_back,
        control=ByTurns(link),
        clerk=link,
        ready=ready,
    )


def _close(world: World) -> None:
    """Close what is open of a data plane that serves nobody any more; its journal is sealed."""
    for pool in world.pools:
        pool.close()
    if world.syncs is not None:
        world.syncs.close()
    world.journal.close(time.time_ns())
    if world.access_log is not None:
        world.access_log.close()


def _access_log(snapshot: Snapshot, name: str) -> AccessLog | None:
    files = snapshot.edge.access_log
    return None if files is None else AccessLog(files, name)


def _placing(link: StewardLink, pipeline: Pipeline) -> Placing:
    places = {name: target.places for name, target in pipeline.world.targets.items()}
    call_soon = asyncio.get_running_loop().call_soon
    return Placing(places, link.say_places, call_soon, lambda: pipeline.coarse_ms)


def _telling(link: StewardLink, pipeline: Pipeline) -> MinuteTelling:
    book, call_soon = pipeline.world.minutes.book, asyncio.get_running_loop().call_soon
    return MinuteTelling(book, link.say_taken, call_soon, pipeline.now_ns)


async def _meet(link: StewardLink, stop: asyncio.Event) -> bool:
    """Wait for the steward, without whom nothing can be held; False when told to stop first."""
    met = asyncio.create_task(link.met.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({met, stopped}, timeout=MEET_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    met.cancel()
    stopped.cancel()
    return link.met.is_set() and not stop.is_set()


def _connect(link: StewardLink, pipeline: Pipeline, keys: KeysMadeLater, parts: Parts) -> None:
    purse, (placing, telling) = pipeline.world.purse, parts

    def on_granted(grants: dict[str, Grant]) -> None:
        purse.reconnected(grants)
        placing.met()
        telling.met()
        if pipeline.approvals is not None:
            pipeline.approvals.reconnected()

    def on_lent(grants: dict[str, Grant], outcomes: list[Outcome], heard: bool) -> None:
        purse.lent(grants, outcomes, heard=heard)

    def on_state(state: State) -> None:
        pipeline.frozen = frozenset(state.frozen)
        keys.apply(state)
        cut(pipeline)
        if pipeline.world.guards is not None:
            pipeline.world.guards.thawed(pipeline.frozen)
        if pipeline.responses is not None:
            pipeline.responses.purge(state.purged_ns)

    link.on_granted = on_granted
    link.on_lent = on_lent
    link.on_recall = purse.release
    link.on_places = placing.moved
    link.on_taken = telling.hear
    link.on_state = on_state
    link.on_uncarved = pipeline.world.allotments.refused

    link.on_experience = pipeline.world.notebook.hear
    appraisal = pipeline.world.appraisal
    if appraisal is not None:
        link.on_learned = taught(appraisal.take)

    def on_lost() -> None:
        telling.lost()
        pipeline.world.allotments.disconnected()
        purse.disconnected()

    link.on_lost = on_lost
    if pipeline.approvals is not None:
        link.on_told = pipeline.approvals.told


def _queued(pipeline: Pipeline) -> Iterator[QueuedRow]:
    for name, target in pipeline.world.targets.items():
        if not target.places.waiting:
            continue
        for queue in target.places.queues:
            for each in queue.shares():
                told = (PRIORITIES[each.rank], each.team, each.weight)
                yield QueuedRow(name, *told, each.running, len(each.queue))


async def _sweep_always(
    pipeline: Pipeline, link: StewardLink, parts: Parts, failing: asyncio.Event
) -> None:
    hearsay = Hearsay(pipeline.world.targets, pipeline.now_ns)
    link.on_heed = hearsay.heed
    imparting = Imparting(pipeline.world.notebook, link, asyncio.get_running_loop().call_soon)
    while True:
        now_ns = time.monotonic_ns()
        if link.is_overdue(now_ns):
            # The steward has what is taken away here on its books, and says so when it is back.
            link.start_over()
            pipeline.world.purse.disconnected()
            pipeline.world.purse.release()
        sweep(pipeline, now_ns // 1_000_000)
        for part in parts:
            part.sweep()
        if pipeline.world.journal.failed:
            failing.set()
        link.tell(Unwell(tuple(hearsay.unwell())))
        link.tell(Crowd(tuple(_queued(pipeline))))
        imparting.sweep(pipeline.coarse_ms)
        await asyncio.sleep(SWEEP_MS / 1000)


async def _hand_over(
    pipeline: Pipeline, door: Door, link: StewardLink, stop: asyncio.Event, data_dir: Path
) -> None:
    """Finish what runs beside a successor, and say so; money that is idle goes back."""
    told, seen_out = retiring_path(data_dir, os.getpid()), False

    def meanwhile() -> None:
        nonlocal seen_out
        if link.connected:
            link.give_back(pipeline.world.purse.release())
        if not seen_out and brings_nothing(pipeline):
            seen_out = True
            told.write_text("only calls that run\n")

    told.touch(mode=0o600)
    await hand_over(pipeline, door, stop, meanwhile)


def main() -> None:
    """Run as `python -m headgate.node.worker`; started by the supervisor."""
    parser = argparse.ArgumentParser(prog="headgate worker")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--in-force", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--name", default="worker-0")
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kept-fds", type=int, nargs="*", default=())
    parser.add_argument("--alive-fd", type=int, default=-1)
    arguments = parser.parse_args()
    snapshot = read(arguments.config, arguments.in_force, os.environ, SECRETS_OF_WORKER)
    snapshot = part_of(snapshot, arguments.workers)
    with told_plainly("worker"):
        uvloop.run(
            run(
                snapshot,
                arguments.data_dir,
                name=arguments.name,
                entrance=Entrance(
                    socket.socket(fileno=arguments.listen_fd),
                    tls_of(arguments.kept_fds) if arguments.kept_fds else None,
                ),
                alive_fd=arguments.alive_fd,
            )
        )


if __name__ == "__main__":
    main()
