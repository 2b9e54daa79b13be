"""Asks a gateway as any client does: its calls are held, metered and budgeted like all others."""

import http.client
import json
import time
from typing import Any, NamedTuple

from headgate.gateway.listener.own import Place, line
from headgate.insights.deciding import UnansweredError
from headgate.units.money import format_usd, parse_usd

CALL_TIMEOUT_S = 900
ANSWER_BYTES_MAX = 64 << 20
PATIENCE_S = 60
"""So long it is asked again where the gateway says that this is worth it, and when: the call of a
course that was killed still runs, say, or a provider has too much to do."""
OUT_OF_BUDGET = "budget_exceeded"
CHAT = "/v1/chat/completions"


class RefusedError(Exception):
    """The gateway, or a provider behind it, has no answer to a call.

    Attributes:
        code: Headgate's code, empty where a provider said no.
        again_s: When it is worth asking again, None for never.
    """

    def __init__(self, status: int, code: str, message: str, again_s: int | None = None) -> None:
        super().__init__(f"{code or status}: {message}")
        self.code = code
        self.again_s = again_s


class Question(NamedTuple):
    """What is asked of whom.

    Attributes:
        system: None for nothing.
        key: Makes the call once, however often it is asked.
    """

    model: str
    system: str | None
    prompt: str
    output_tokens_max: int
    key: str


class Answer(NamedTuple):
    """What a model said.

    Attributes:
        call: Its id in the books.
        cost_nanos: None where the reply does not say; the books do.
        output_tokens: None where the reply does not say.
        latency_ms: From asking to the whole answer, waiting for a place included.
    """

    text: str
    call: str
    deployment: str
    served_model: str
    cost_nanos: int | None
    output_tokens: int | None
    latency_ms: int


class Asker(NamedTuple):
    """A gateway, and as whom it is asked.

    Attributes:
        run: Whose budget pays.
    """

    place: Place
    key: str
    run: str

    def open_run(self, budget_nanos: int) -> None:
        """Give the run its budget; again in the same words changes nothing.

        Raises:
            RefusedError: There is not so much to give, or the run is over.
            UnansweredError: There is no gateway.
        """
        told = {"run": self.run, "agent": "eval", "budget_usd": format_usd(budget_nanos)}
        self._post("/v1/runs", told, {})

    def open_child(self, run: str, budget_nanos: int) -> None:
        """Give a new run below this one its budget, out of this one's.

        Raises:
            RefusedError: There is not so much left.
            UnansweredError: There is no gateway.
        """
        budget = format_usd(budget_nanos)
        told = {"run": run, "parent": self.run, "agent": "eval", "budget_usd": budget}
        self._post("/v1/runs", told, {})

    def end_child(self, run: str) -> None:
        """Give back what is left of a run's budget.

        Raises:
            RefusedError: It is over already.
            UnansweredError: There is no gateway.
        """
        self._post(f"/v1/runs/{run}", {"state": "done"}, {})

    def end_below(self, run: str) -> None:
        """Give back what is left of the runs below one, which whoever began them did not end.

        Raises:
            RefusedError: There is no such run.
            UnansweredError: There is no gateway.
        """
        for each in self._tree(run)[1:]:
            if each["state"] == "running":
                self.end_child(each["run"])

    def spent_nanos(self, run: str) -> int:
        """Return what a run and those below it have cost, with what they hold now.

        Raises:
            RefusedError: There is no such run.
            UnansweredError: There is no gateway.
        """
        return sum(parse_usd(each["spend"]) + parse_usd(each["held"]) for each in self._tree(run))

    def standing(self, run: str) -> tuple[int, int]:
        """Return what a run alone has cost, and what it holds now.

        Raises:
            RefusedError: There is no such run.
            UnansweredError: There is no gateway.
        """
        told = self._tree(run)[0]
        return parse_usd(told["spend"]), parse_usd(told["held"])

    def _tree(self, run: str) -> list[dict[str, str]]:
        """Return a run, and then those below it."""
        _, document = self._exchange("GET", f"/v1/runs/{run}", None, {})
        return [document["run"], *document["below"]]

    def close_run(self) -> None:
        """Give back what is left of the run's budget.

        Raises:
            RefusedError: It is over already.
            UnansweredError: There is no gateway.
        """
        self._post(f"/v1/runs/{self.run}", {"state": "done"}, {})

    def ask(self, question: Question) -> Answer:
        """Return an answer.

        Raises:
            RefusedError: There is none.
            UnansweredError: Nobody knows; asked again, the call is made once all the same.
        """
        told = [] if question.system is None else [{"role": "system", "content": question.system}]
        body = {
            "model": question.model,
            "messages": [*told, {"role": "user", "content": question.prompt}],
            "max_completion_tokens": question.output_tokens_max,
        }
        began_ns = time.monotonic_ns()
        extra = {"x-headgate-run": self.run, "idempotency-key": question.key}
        headers, document = self._post(CHAT, body, extra)
        took_ms = (time.monotonic_ns() - began_ns) // 1_000_000
        return _answer(headers, document, took_ms)

    def vote(
        self, subject: str, *, good: bool, source: str, label: str, kind: str = "call"
    ) -> None:
        """Tell whether an answer was good, as routing evidence; said again it counts once.

        Args:
            subject: The call, or the run.
            good: Whether it was.
            source: Who says so.
            label: What kind of work it was.
            kind: `call` or `run`.

        Raises:
            RefusedError: It is not taken.
            UnansweredError: Nobody knows.
        """
        verdict = "good" if good else "bad"
        told = {kind: subject, "verdict": verdict, "source": source, "label": label}
        self._post("/v1/feedback", told, {})

    def _post(
        self, path: str, body: dict[str, Any], extra: dict[str, str]
    ) -> tuple[http.client.HTTPMessage, Any]:
        return self._exchange("POST", path, json.dumps(body), extra)

    def _exchange(
        self, method: str, path: str, body: str | None, extra: dict[str, str]
    ) -> tuple[http.client.HTTPMessage, Any]:
        patience_s = PATIENCE_S
        while True:
            try:
                return self._ask_once(method, path, body, extra)
            except RefusedError as error:
                if error.again_s is None or error.again_s > patience_s:
                    raise
                patience_s -= error.again_s
                time.sleep(error.again_s)

    def _ask_once(
        self, method: str, path: str, body: str | None, extra: dict[str, str]
    ) -> tuple[http.client.HTTPMessage, Any]:
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            opened = line(self.place, CALL_TIMEOUT_S)
            try:
                opened.request(method, path, body, {**headers, **extra})
                reply = opened.getresponse()
                text = reply.read(ANSWER_BYTES_MAX)
            finally:
                opened.close()
            document = json.loads(text)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UnansweredError(f"{self.place.url} does not answer: {error}") from error
        if reply.status != 200:
            code = reply.headers.get("x-headgate-code", "")
            again_s = _again_s(reply.headers)
            raise RefusedError(reply.status, code, _message(document), again_s)
        return reply.headers, document


def _again_s(headers: http.client.HTTPMessage) -> int | None:
    """Return when the same is worth asking again, as the official clients do; None for never."""
    after = headers.get("retry-after", "")
    if headers.get("x-should-retry") != "true" or not (after.isascii() and after.isdigit()):
        return None
    return max(1, int(after[:9]))


def _message(document: Any) -> str:
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return str(message)[:500]


def _answer(headers: http.client.HTTPMessage, document: Any, latency_ms: int) -> Answer:
    try:
        text = document["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise RefusedError(200, "", "the reply has no message") from error
    cost = headers.get("x-headgate-cost-usd")
    usage = document.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return Answer(
        # JSON may hold halves of characters, which no file and no question takes.
        text=text.encode("utf-8", "replace").decode() if isinstance(text, str) else "",
        call=headers.get("x-headgate-call", ""),
        deployment=headers.get("x-headgate-deployment", ""),
        served_model=headers.get("x-headgate-model", ""),
        cost_nanos=None if cost is None else parse_usd(cost),
        output_tokens=tokens if isinstance(tokens, int) else None,
        latency_ms=latency_ms,
    )
