"""The routes as a whole: whatever can spend goes through the pipeline, and nothing else spends."""

import pytest

from headgate.dialects.registry import dialects
from headgate.gateway.endpoints import PATHS
from headgate.records.journal import HoldRecord
from tests.gateway.calls import ask, chat
from tests.gateway.conftest import Start
from tests.gateway.provider import Provider, serve_always

SPENDING = [dialect.PATH for dialect in dialects().values()]
OTHERS = [path.decode() for path in PATHS]
ASKED_ELSEWHERE = ["/v1/fine_tuning/jobs", "/v1/realtime", "/v1/responses/resp_1", "/v1/videos"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""HEAD, whose replies have no body, is left to `test_edge`."""


def near(path: str) -> list[str]:
    """Return a path, and ways to write it that a careless router takes for the same."""
    bare = path.strip("/")
    return [path, f"/{bare}/", f"//{bare}", f"/{bare}/x", f"/x/../{bare}", f"/{bare.upper()}"]


def test_every_path_that_spends_goes_through_the_pipeline(start: Start) -> None:
    """A pipeline that takes no calls turns them all away, so none has a way around it."""
    gateway = start()
    gateway.run(lambda: setattr(gateway.pipeline, "stopping", True))
    paths = [path.format(model="mini") for path in SPENDING]
    paths.append("/v1beta/models/mini:streamGenerateContent")

    codes = {path: ask(gateway, chat(), path).header("x-headgate-code") for path in paths}

    assert codes == dict.fromkeys(paths, "shutting_down")


@pytest.mark.parametrize("path", [*OTHERS, *ASKED_ELSEWHERE])
def test_no_other_path_reaches_a_provider(start: Start, path: str) -> None:
    """By whatever method, and written in whatever way: nothing is held and nobody is called."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url, anthropic_url=provider.url)
        for method in METHODS:
            for written in near(path):
                ask(gateway, chat(), written, method=method)

        assert not [each for each in gateway.records() if isinstance(each, HoldRecord)]
        assert provider.opened == 0


def test_a_path_that_spends_does_so_by_post_alone(start: Start) -> None:
    """Other methods and other ways to write it are refused without a call."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url, anthropic_url=provider.url)
        for path in (each.format(model="mini") for each in SPENDING):
            for method in METHODS:
                for written in near(path)[method == "POST" :]:
                    assert ask(gateway, chat(), written, method=method).status != 200

        assert not [each for each in gateway.records() if isinstance(each, HoldRecord)]
        assert provider.opened == 0
