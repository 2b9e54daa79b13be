"""A configuration with a route for each verifier, and what a cascade's calls came to."""

import json

from headgate.records.journal import DecisionRecord, SettleRecord
from tests.gateway.calls import call_of
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import completion, whole
from tests.gateway.recording import Recording
from tests.gateway.wire import Reply

MORE = """
[deployments.twin]
provider = "openai"
model = "gpt-5.4-mini"
[deployments.referee]
provider = "openai"
model = "gpt-5.4-mini"
[policies.form]
kind = "cascade"
verifier = "schema"
loss = "1"
[policies.probing]
kind = "cascade"
verifier = "schema"
loss = "1"
probe_usd_per_day = "0.000000001"
[routes.probing]
deployments = ["mini", "big"]
policy = "probing"
[policies.strict]
kind = "cascade"
verifier = "schema"
loss = "1"
exhausted = "refuse"
[policies.alike]
kind = "cascade"
verifier = "agreement"
steps_max = 3
loss = "1"
accepts_good = "1"
[policies.judged]
kind = "cascade"
verifier = "judge"
judge = "referee"
rubric = "It is a number."
loss = "1"
[policies.tried]
kind = "cascade"
verifier = "reported"
loss = "1"
[routes.form]
deployments = ["mini", "big"]
policy = "form"
[routes.strict]
deployments = ["mini", "big"]
policy = "strict"
[routes.alike]
deployments = ["mini", "twin", "big"]
policy = "alike"
[routes.judged]
deployments = ["mini", "big"]
policy = "judged"
[policies.curious]
kind = "explore"
serve = "form"
usd_per_day = "0"
[routes.curious]
deployments = ["mini", "big"]
policy = "curious"
[routes.tried]
deployments = ["mini", "big"]
policy = "tried"
"""
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}},
    "required": ["answer"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}}
MINI, BIG = "gpt-5.4-mini", "gpt-5.4"


def says(text: str, finish: str = "stop", model: str = MINI, tokens: int = 5) -> bytes:
    """Return a reply that says something, and bills so many tokens for it."""
    usage = {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
    body = json.loads(completion(model=model, usage=usage))
    body["choices"][0]["message"]["content"] = text
    body["choices"][0]["finish_reason"] = finish
    return whole(json.dumps(body).encode())


def said(reply: Reply) -> str:
    """Return what the client got."""
    assert reply.status == 200, reply.payload
    text: str = json.loads(reply.payload)["choices"][0]["message"]["content"]
    return text


def asked(provider: Recording) -> list[str]:
    """Return the models that were asked, in order."""
    return [body["model"] for body in provider.bodies]


def paid(gateway: Gateway, reply: Reply) -> list[int]:
    """Return what each attempt of a call was posted at; all but the last say that more comes."""
    ends = gateway.ends(call_of(reply))
    settled = [end for end in ends if isinstance(end, SettleRecord)]
    assert len(settled) == len(ends)
    assert [end.final for end in settled] == [False] * (len(settled) - 1) + [True]
    return [end.amount_nanos for end in settled]


def cost(reply: Reply) -> int:
    """Return what the client is told that a call cost, in nano-dollars."""
    told = reply.header("x-headgate-cost-usd")
    assert told is not None
    return int(told.replace(".", ""))


def decisions(gateway: Gateway, name: str) -> list[DecisionRecord]:
    """Return the decisions for a name, in order."""
    records = gateway.records()
    return [one for one in records if isinstance(one, DecisionRecord) and one.asked == name]


def decision(gateway: Gateway, name: str) -> DecisionRecord:
    """Return the latest decision for a name."""
    return decisions(gateway, name)[-1]
