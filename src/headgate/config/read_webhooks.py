"""`[webhooks.ID]`: who is told of changes."""

from headgate.config.addresses import AddressError, parse_base_url
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.secrets import SecretReader
from headgate.config.shapes import WebhookShape
from headgate.insights.settings import Webhook


def webhooks_from(tables: object, secrets: SecretReader, problems: Problems) -> dict[str, Webhook]:
    """Return the good webhooks by id."""
    found: dict[str, Webhook] = {}
    for name, shape in checked_by_id(tables, "webhooks", WebhookShape, problems):
        key = f"webhooks.{name}"
        secret = secrets.read(shape.secret, f"{key}.secret") or ""
        found[name] = Webhook(name, _url(shape, key, problems), secret, shape.actions)
    return found


def _url(shape: WebhookShape, key: str, problems: Problems) -> str:
    if not shape.url:
        return ""
    try:
        return parse_base_url(shape.url, allow_plain_http=shape.allow_plain_http)
    except AddressError as error:
        fix = 'Write "https://HOST/PATH".'
        if "Plain http" in str(error):
            fix = "Use https, or write allow_plain_http = true if that network is yours."
        problems.add(f"{key}.url", str(error), fix)
        return ""
