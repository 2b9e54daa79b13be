"""What a workflow has to do with the gateway: telling it of runs, and what its calls carry."""

import asyncio
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from headgate.dial.line import line_to
from headgate.dial.settings import Trust
from headgate.dial.tls import client_context

TIMEOUT_S = 30


class GatewayRefusedError(Exception):
    """The gateway said no to something about a run.

    Attributes:
        code: As `docs/reference/errors.md` has it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        # All of it, as an engine keeps errors pickled: they are made again of their arguments.
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Gateway(NamedTuple):
    """Where the gateway is, and the key of whoever runs workflows.

    Attributes:
        trust: Which authorities count, and what is shown to a gateway that asks for certificates.
    """

    url: str
    key: str
    trust: Trust = Trust()

    async def open_run(
        self, run: str, *, agent: str = "", parent: str | None = None, budget_usd: str | None = None
    ) -> None:
        """Tell of a run; again in the same words changes nothing.

        Raises:
            GatewayRefusedError: Another run has the name, or the budget is not there.
        """
        told = {"run": run, "agent": agent, "parent": parent, "budget_usd": budget_usd}
        await asyncio.to_thread(self._post, "/v1/runs", told)

    async def change_run(self, run: str, state: str) -> None:
        """Tell what became of a run.

        Raises:
            GatewayRefusedError: It is over, or nobody told of it.
        """
        await asyncio.to_thread(self._post, f"/v1/runs/{run}", {"state": state})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        place = urlsplit(self.url)
        context = client_context(self.trust) if place.scheme == "https" else None
        connection = line_to(self.url, TIMEOUT_S, context)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            connection.request("POST", place.path + path, json.dumps(body), headers)
            reply = connection.getresponse()
            data = reply.read()
        finally:
            connection.close()
        if reply.status != 200:
            code = reply.headers.get("x-headgate-code", "")
            try:
                message = json.loads(data)["error"]["message"]
            except (ValueError, KeyError, TypeError):
                message = data[:200].decode("latin-1")
            raise GatewayRefusedError(reply.status, code, message)


class Step(NamedTuple):
    """A step that runs: what its calls carry.

    Attributes:
        run: The run whose budget pays.
        id: `WORKFLOW/NUMBER`, the same each time the step is run again.
    """

    gateway: Gateway
    run: str
    id: str

    def headers(self) -> dict[str, str]:
        """Return the headers of the step's call; one call of a step, as its key is for one."""
        return {"x-headgate-run": self.run, "idempotency-key": self.id}
