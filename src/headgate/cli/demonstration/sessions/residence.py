"""A task that may not leave the EU while the deployment there is down: it fails, and stays."""

import anthropic

from headgate.cli.demonstration.sessions.books import wait_for
from headgate.cli.demonstration.sessions.organisation import EU_ALIAS, EU_CLASS, EU_DEPLOYMENT
from headgate.cli.demonstration.sessions.result import Promise
from headgate.cli.demonstration.sessions.stage import OUTPUT_TOKENS_MAX, Stage
from headgate.cli.demonstration.sessions.steering import break_down, repair, seen
from headgate.cli.reading import reading
from headgate.insights.calls import OpenedCall, open_call

CALLS = 5
ELSEWHERE = ("first", "second")


def residence(stage: Stage) -> list[Promise]:
    """Make calls that have to stay in the EU: before, while its deployment is down, and after.

    Raises:
        DemonstrationError: A call is not in the books.
        APIError: A call had no answer before, or afterwards.
    """
    before = _ask(stage)
    requests = [seen(stage.admins[name]) for name in ELSEWHERE]
    break_down(stage.admins["eu"], "server_error")
    failed = [call for _ in range(CALLS) if (call := _fails(stage)) is not None]
    repair(stage.admins["eu"])
    gone = sum(seen(stage.admins[name]) for name in ELSEWHERE) - sum(requests)
    after = _ask(stage)
    calls = [_opened(stage, call) for call in failed]
    tried = {row.deployment for call in calls for row in call.attempts}
    rules = {
        f"{each.deployment}: {each.excluded}"
        for call in calls
        for record in call.decisions.values()
        for each in record.candidates
        if each.deployment != EU_DEPLOYMENT
    }
    required = {
        name for call in calls for each in call.decisions.values() for name in each.requirements
    }
    proven = tried == {EU_DEPLOYMENT} and bool(rules) and all("residency" in rule for rule in rules)
    return [
        Promise(
            promise="What has to stay in the EU fails while the deployment there is down.",
            holds=len(failed) == CALLS and not gone and proven and before == after == EU_DEPLOYMENT,
            figures={
                "served before and afterwards by": f"{before}, {after}",
                "failed meanwhile": f"{len(failed)} of {CALLS}",
                "requests that reached anybody else": gone,
                "tried, by the books": ", ".join(sorted(tried)),
                "required, by the record": ", ".join(sorted(required)),
                "passed over, by the record": "; ".join(sorted(rules)),
            },
        )
    ]


def _ask(stage: Stage) -> str:
    raw = stage.client.messages.with_raw_response.create(
        model=EU_ALIAS,
        max_tokens=OUTPUT_TOKENS_MAX,
        messages=[{"role": "user", "content": "Who is the person in file 7?"}],
        extra_headers={"x-headgate-data-class": EU_CLASS},
    )
    return raw.headers["x-headgate-deployment"]


def _fails(stage: Stage) -> str | None:
    """Make a call that should fail; return its id, None when it was answered."""
    try:
        _ask(stage)
    except anthropic.APIStatusError as error:
        return error.response.headers["x-headgate-call"]
    return None


def _opened(stage: Stage, call: str) -> OpenedCall:
    def look() -> OpenedCall | None:
        with reading(stage.data_dir) as connection:
            found = open_call(connection, call)
        return None if found is None or found.is_running else found

    return wait_for(look, "a call is not in the books")
