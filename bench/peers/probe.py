"""One call and one stream, to read what their answers say that they cost."""

import json
from http.client import HTTPConnection

from bench.configuration import KEY
from bench.gateways import Gateway
from bench.rounds import Load, Sent, count

TIMEOUT_S = 60


def answer(gateway: Gateway, load: Load) -> bytes:
    """Send one call of a load; returns the answer's body, which is whole and counted.

    Raises:
        OSError: It was not answered.
        ValueError: The answer was none of a good call.
    """
    asked = {
        "model": gateway.asked.before_model + load.model,
        "messages": [{"role": "user", "content": "What does this cost?"}],
        "max_tokens": 256,
    }
    if load.streamed:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    for line in gateway.asked.headers.splitlines():
        name, _, value = line.partition(": ")
        headers[name] = value
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", gateway.asked.path, json.dumps(asked), headers)
        reply = connection.getresponse()
        body = reply.read()
    finally:
        connection.close()
    if reply.status != 200 or b'"prompt_tokens"' not in body:
        raise ValueError(f"{gateway.name} answers {reply.status}: {body[:200]!r}")
    count(gateway, load, Sent(1, 0, 0, 0, 0, 0, 0, 0, 0))
    return body
