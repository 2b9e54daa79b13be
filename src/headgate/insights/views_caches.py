"""From what the store says of caches to what `--json` prints; pure."""

from headgate.insights.caches import CacheReport, CacheSums
from headgate.insights.contract_caches import CacheSumsView, CachesView, CacheView, MissView
from headgate.records.journal import CacheNote
from headgate.units.money import format_usd


def cache_view(note: CacheNote | None) -> CacheView | None:
    """Return what a cache did for an attempt, None when there is nothing to say."""
    if note is None:
        return None
    return CacheView(
        saved=format_usd(note.saved_nanos),
        marked=list(note.marked),
        cause=note.cause,
        path=note.path,
        missed_tokens=note.missed_tokens,
        missed=format_usd(note.missed_nanos),
        given_from=note.given_from,
    )


def caches_view(found: CacheReport) -> CachesView:
    """Return the report."""
    return CachesView(
        total=_sums_view(found.total),
        by=[_sums_view(sums) for sums in found.by],
        misses=[
            MissView(
                route=one.route,
                cause=one.cause,
                path=one.path,
                times=one.times,
                tokens=one.tokens,
                missed=format_usd(one.nanos),
                advice=one.advice,
            )
            for one in found.misses
        ],
    )


def _sums_view(sums: CacheSums) -> CacheSumsView:
    return CacheSumsView(
        name=sums.name,
        attempts=sums.attempts,
        prompt_tokens=sums.prompt_tokens,
        read_tokens=sums.read_tokens,
        written_tokens=sums.written_tokens,
        hit_permille=sums.hit_permille,
        saved=format_usd(sums.saved_nanos),
        misses=sums.misses,
        missed=format_usd(sums.missed_nanos),
        given=sums.given,
        given_saved=format_usd(sums.given_nanos),
    )
