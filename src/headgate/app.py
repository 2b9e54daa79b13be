"""The composition root: from a configuration to the parts that run, wired."""

from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b
from pathlib import Path

from headgate.capacity.classes import Classes
from headgate.capacity.health import Breaker
from headgate.capacity.minutes import MinuteBook
from headgate.capacity.places import Places
from headgate.capacity.retries import RetryBudget
from headgate.catalog.settings import Deployment
from headgate.config.credentials import Credentials
from headgate.config.snapshot import Snapshot
from headgate.dial.reach import dialer_to
from headgate.dial.resolver import Resolver
from headgate.dialects.conversations import Conversations
from headgate.dialects.registry import dialects, spoken_dialects
from headgate.dialects.stops.registry import counted, stops
from headgate.dialects.translation.registry import tellers, translators
from headgate.gateway.bugs import Bugs
from headgate.gateway.caching import Caching
from headgate.gateway.clock import Coarse
from headgate.gateway.deferral import Deferral
from headgate.gateway.interpreter import Interpreter
from headgate.gateway.learning.appraisal import Appraisal
from headgate.gateway.learning.guards import Guards
from headgate.gateway.learning.notebook import Notebook
from headgate.gateway.learning.sessions import Sessions
from headgate.gateway.minutes import Minutes
from headgate.gateway.money.allotments import Allotments, Carve, GiveBack, Lender
from headgate.gateway.money.books import Books
from headgate.gateway.money.racing_books import RacingBooks
from headgate.gateway.money.sizing import Sizing
from headgate.gateway.money.unbounded import Caps
from headgate.gateway.outbox import Outbox
from headgate.gateway.settings import ResponseCache
from headgate.gateway.upstream.pool import Pool
from headgate.gateway.upstream.target import Target
from headgate.gateway.world import World
from headgate.governance.requirements import Rulebook
from headgate.identity.delegation import public_root
from headgate.identity.directory import Directory
from headgate.identity.tags import Tagging
from headgate.ledger.purse import Ask
from headgate.providers.registry import Provider as ProviderKind
from headgate.providers.registry import envelope_of, providers
from headgate.providers.settings import Provider
from headgate.records.approval import Clerk, Nobody
from headgate.records.control import Control
from headgate.records.demand import Terms
from headgate.records.journal import DecisionRecord
from headgate.routing.eligibility import Speech
from headgate.routing.policies.registry import chooser
from headgate.routing.quality.load_prior import load_prior
from headgate.routing.quality.standing import Standing
from headgate.routing.router import Router
from headgate.store.journal_writer import JournalWriter
from headgate.units.ids import CallIds

NOBODY = Nobody()


class Steward:
    """What the data plane asks of its steward; the worker's link fills it in."""

    def __init__(
        self,
        *,
        ask: Ask,
        control: Control,
        ready: Callable[[], bool],
        carve: Carve = lambda _allotments: False,
        give_back: GiveBack = lambda _amounts, _done: False,
        clerk: Clerk = NOBODY,
    ) -> None:
        self.lender = Lender(ask, carve, give_back)
        self.control = control
        self.clerk = clerk
        self.ready = ready


def data_plane(
    snapshot: Snapshot,
    *,
    pepper: bytes,
    journal: JournalWriter,
    steward: Steward,
    now_ns: Callable[[], int],
    call_soon: Callable[[Callable[[], None]], object],
) -> World:
    """Wire the data plane of one worker.

    The journal is its own, just opened, and `steward` the link to the steward. `call_soon` is the
    event loop's: what is said in a turn of it is sent at its end. Keys and long conversations are
    hashed with the pepper.
    """
    clock, outbox, pools, targets = _reach(snapshot, now_ns(), call_soon)
    known, allotments = _callers(snapshot, pepper, steward)
    router, caching, sessions, notebook = _routing(snapshot, targets, journal)
    return World(
        edge=snapshot.edge,
        dialects={dialect.PATH.encode(): dialect for dialect in dialects().values()},
        conversations=Conversations(_seed(pepper)),
        interpreter=Interpreter(dialects(), spoken_dialects(), translators(), tellers()),
        directory=known,
        rulebook=rulebook(snapshot),
        tagging=Tagging({key.id: key.tags for key in snapshot.keys.values()}),
        caching=caching,
        sessions=sessions,
        router=router,
        targets=targets,
        retries=RetryBudget(snapshot.edge.retries_percent, snapshot.edge.retries_burst),
        pools=tuple(pools.values()),
        purse=allotments.purse,
        paths=allotments.paths,
        allotments=allotments,
        books=_books(router, journal),
        journal=journal,
        clock=clock,
        outbox=outbox,
        bugs=Bugs(),
        now_ns=now_ns,
        next_call=CallIds(journal.epoch).next,
        ready=steward.ready,
        control=steward.control,
        idempotency=snapshot.idempotency,
        guards=_guards(snapshot, steward.control, notebook, journal.epoch),
        caps=Caps(_caps(snapshot)),
        sizing=Sizing(snapshot.holds, counted(), stops(), notebook),
        minutes=Minutes(MinuteBook(snapshot.per_minute()), snapshot.lineages(), now_ns),
        notebook=notebook,
        clerk=steward.clerk,
        approvals=tuple(snapshot.approvals.values()),
        contract_nodes=snapshot.price_book.contract_nodes,
        traced=snapshot.exports.is_traced,
        classes=Classes({key.id: key.priorities for key in snapshot.keys.values()}),
        deferral=_deferral(snapshot),
        appraisal=_appraisal(router, targets, notebook),
        response_cache=_response_cache(snapshot),
    )


def _books(router: Router, journal: JournalWriter) -> Books:
    """Return what writes the journal: where calls are hedged, it knows of attempts that race."""
    return RacingBooks(journal) if router.hedges() else Books(journal)


def _guards(snapshot: Snapshot, control: Control, notebook: Notebook, worker: str) -> Guards | None:
    """Return what counts the calls of runs, None when nothing limits them."""
    limits = snapshot.runs
    return Guards(limits, control, notebook, worker) if limits.counted else None


def _response_cache(snapshot: Snapshot) -> ResponseCache | None:
    kept = any(route.keeps != "never" for route in snapshot.routes.values())
    return snapshot.response_cache if kept else None


def _deferral(snapshot: Snapshot) -> Deferral:
    aliases = [each.alias for each in snapshot.routes.values() if each.defers]
    return Deferral(snapshot.price_book, aliases)


def _seed(pepper: bytes) -> int:
    """Return what conversations are hashed by: nobody without the pepper knows it."""
    return int.from_bytes(blake2b(pepper, digest_size=8, person=b"conversations").digest(), "big")


def _callers(snapshot: Snapshot, pepper: bytes, steward: Steward) -> tuple[Directory, Allotments]:
    """Return who may call, and what they may spend."""
    known, budgets = directory(snapshot, pepper), snapshot.budgets.values()
    lineages = snapshot.lineages()
    return known, Allotments(steward.lender, known, budgets, snapshot.zone, lineages)


def _caps(snapshot: Snapshot) -> dict[str, int]:
    """Return what features without a bound may cost a call, by the aliases that allow any."""
    caps = {alias: route.unbounded_nanos_max for alias, route in snapshot.routes.items()}
    return {alias: nanos for alias, nanos in caps.items() if nanos is not None}


def _reach(
    snapshot: Snapshot, now_ns: int, call_soon: Callable[[Callable[[], None]], object]
) -> tuple[Coarse, Outbox, dict[str, Pool], dict[str, Target]]:
    """Return the ways to providers, with their clock and outbox, and where calls can go by them."""
    clock, outbox = Coarse(now_ns), Outbox(call_soon)
    pools = _pools(snapshot, clock, outbox)
    return clock, outbox, pools, _targets(snapshot, pools)


def _targets(snapshot: Snapshot, pools: Mapping[str, Pool]) -> dict[str, Target]:
    kinds, edge = providers(), snapshot.edge
    weights = {team.id: team.share for team in snapshot.teams.values()}
    return {
        each.id: Target(
            each,
            kinds[snapshot.providers[each.provider].kind],
            pools[each.provider],
            snapshot.price_book,
            Breaker(edge.breaker_failures, edge.breaker_open_ms * 1_000_000),
            Places(each.concurrency_max, each.queue_max, weights, edge.queue_age_ms),
        )
        for each in snapshot.deployments.values()
    }


def _pools(snapshot: Snapshot, clock: Coarse, outbox: Outbox) -> dict[str, Pool]:
    kinds, resolver = providers(), Resolver(snapshot.resolving)
    return {
        each.id: _pool(each, kinds[each.kind], clock, outbox, resolver)
        for each in snapshot.providers.values()
    }


def _router(snapshot: Snapshot, targets: dict[str, Target], journal: JournalWriter) -> Router:
    router = Router(
        snapshot.routes,
        snapshot.deployments,
        _speech(snapshot),
        _quote(targets),
        _when_there_is_room(journal),
        chooser(snapshot.policies),
    )
    router.watch({name: target.health for name, target in targets.items()})
    return router


def _appraisal(
    router: Router, targets: Mapping[str, Target], notebook: Notebook
) -> Appraisal | None:
    """Return what says what policies go by beside prices; None when no route asks."""
    if not router.asks():
        return None
    appraisal = Appraisal(Standing(load_prior()), tuple(targets), notebook)
    router.ask(appraisal)
    return appraisal


def rulebook(snapshot: Snapshot) -> Rulebook:
    """Return what is required of whose calls."""
    allowed = {key.id: key.data_classes for key in snapshot.keys.values()}
    return Rulebook(
        snapshot.requirements.values(),
        snapshot.data_classes.values(),
        allowed,
        snapshot.lineages(),
    )


def planner(snapshot: Snapshot, gone: Collection[str]) -> Router:
    """Return a router that only plans: it writes nothing down, and everybody left is well.

    Args:
        snapshot: The configuration.
        gone: Deployments that it does without.
    """

    def quote(
        deployment: Deployment, terms: Terms, tokens_in: int, tokens_out: int, at_ns: int
    ) -> int | None:
        book = snapshot.price_book
        terms = terms._replace(nodes=terms.nodes + deployment.nodes)
        card = book.rate_card(deployment.seller, deployment.priced_as, terms, at_ns)
        return None if card is None else card.expected_nanos(tokens_in, tokens_out)

    left = {name: each for name, each in snapshot.deployments.items() if name not in gone}
    routes = {
        alias: route._replace(deployments=tuple(n for n in route.deployments if n in left))
        for alias, route in snapshot.routes.items()
    }
    return Router(
        routes, left, _speech(snapshot), quote, lambda _record: None, chooser(snapshot.policies)
    )


def _speech(snapshot: Snapshot) -> Speech:
    return Speech(
        {each.id: each.dialects for each in snapshot.deployments.values()},
        frozenset(translators()),
        frozenset(tellers()),
    )


def _routing(
    snapshot: Snapshot, targets: dict[str, Target], journal: JournalWriter
) -> tuple[Router, Caching, Sessions, Notebook]:
    """Return the router, what remembers prompts and sessions for it, and where it is told."""
    notebook, router = Notebook(), _router(snapshot, targets, journal)
    caching = Caching(targets, router, _marked(snapshot), notebook)
    by_session = [alias for alias in snapshot.routes if "session" in router.needs(alias)]
    sessions = Sessions(targets, router, caching, by_session, notebook)
    return router, caching, sessions, notebook


def _marked(snapshot: Snapshot) -> frozenset[str]:
    """Return the aliases whose prompts get cache breakpoints."""
    return frozenset(alias for alias, route in snapshot.routes.items() if route.marks)


def directory(snapshot: Snapshot, pepper: bytes) -> Directory:
    """Return the directory of the keys whose secrets the configuration has."""
    known, credentials = Directory(pepper), Credentials(snapshot)
    for key in snapshot.keys.values():
        if key.secret is not None:
            credential = credentials.of(key.id, key.principal, key.models, key.until_ns)
            assert credential is not None, key.id
            known.add(key.secret.encode(), credential, public_root(key.secret))
    return known


def journal_name(worker: str, epoch: str, node: str = "") -> str:
    """Return the name of a worker's journal folder; unique among the nodes that share a store."""
    return f"{node}-{worker}-{epoch}" if node else f"{worker}-{epoch}"


def journal_path(root: Path, worker: str, epoch: str) -> Path:
    """Return where a worker's journal lies."""
    return root / journal_name(worker, epoch)


def _when_there_is_room(journal: JournalWriter) -> Callable[[DecisionRecord], None]:
    """Return how decisions are written: never into the room that open holds need for their ends.

    Without room nothing can be held either; a ranking that is kept until there is room again may
    then be referred to without standing in the journal.
    """

    def write(record: DecisionRecord) -> None:
        if journal.has_room():
            journal.append(record)

    return write


def _pool(
    provider: Provider, kind: ProviderKind, clock: Coarse, outbox: Outbox, resolver: Resolver
) -> Pool:
    """Return a provider's pool, which knows the framings that are its own by their dialects."""
    envelopes = {dialect: envelope_of(kind, dialect) for dialect in provider.dialects}
    framings = {dialect: each for dialect, each in envelopes.items() if each.unframer is not None}
    dialer = dialer_to(
        provider.base_url, resolver, provider.trust, provider.proxy, provider.addresses
    )
    return Pool(provider, _passes(kind), clock, outbox, framings, dialer)


def _passes(kind: ProviderKind) -> Callable[[bytes], bool]:
    names, prefixes = kind.PASSED, kind.PASSED_PREFIXES

    def passes(name: bytes) -> bool:
        return name in names or name.startswith(prefixes)

    return passes


def _quote(
    targets: dict[str, Target],
) -> Callable[[Deployment, Terms, int, int, int], int | None]:
    def quote(
        deployment: Deployment, terms: Terms, tokens_in: int, tokens_out: int, at_ns: int
    ) -> int | None:
        card = targets[deployment.id].card(None, terms, at_ns)
        return None if card is None else card.expected_nanos(tokens_in, tokens_out)

    return quote
