"""The tables of headgate.toml that are about exports, as types."""

from collections.abc import Mapping

from headgate.config.shape import Secret, Shape, Text
from headgate.exports.settings import USAGE, Otel

_OTEL = Otel("")


class OtelShape(Shape, frozen=True, kw_only=True):
    """`[otel]`: where OpenTelemetry's spans and metrics are sent.

    Attributes:
        endpoint: None: nothing is sent.
        headers: By name, what is sent along.
        allow_plain_http: Lets `http://` reach another machine, unencrypted.
    """

    endpoint: Text | None = None
    headers: Mapping[Text, Secret] = {}
    service_name: Text = _OTEL.service_name
    traces: bool = _OTEL.traces
    metrics: bool = _OTEL.metrics
    allow_plain_http: bool = False


class EventsShape(Shape, frozen=True, kw_only=True):
    """`[events.ID]`: who is sent an event of each attempt that used something.

    Attributes:
        secret: None: they are not signed.
        token: None: nothing is shown.
        customers: By team, who the receiver thinks it is.
        allow_plain_http: Lets `http://` reach another machine, unencrypted.
    """

    url: Text
    format: Text = "cloudevents"
    secret: Secret | None = None
    token: Secret | None = None
    event_name: Text = USAGE
    customers: Mapping[Text, Text] = {}
    allow_plain_http: bool = False


class HistoryShape(Shape, frozen=True, kw_only=True):
    """`[history]`: the daily files of all calls.

    Attributes:
        directory: Relative to the configuration file; None: none are written.
    """

    directory: Text | None = None
