"""`model_list`: what can be called, where, and what the file says it costs."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from headgate.catalog.facts import ModelDirectory
from headgate.cli.moving.check_prices import seller_of
from headgate.cli.moving.drafts import Budget, Deployment, Price, Provider
from headgate.cli.moving.load_leftovers import note_rest
from headgate.cli.moving.load_sellers import Seller, sold_by
from headgate.cli.moving.notes import Notes
from headgate.cli.moving.read_limits import budget
from headgate.cli.moving.read_sellers import Providers
from headgate.cli.moving.tables import CORRECT, Table
from headgate.config.read_deployments import OUTPUT_TOKENS_MAX_FALLBACK
from headgate.units.ids import is_name

ENTRIES_MAX: Final = 2_000
PER_MILLION: Final = 1_000_000
METERS: Final = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio",
    "output_cost_per_reasoning_token": "output_reasoning",
}
"""Dollars per token, and the meter that is."""
SERVED: Final = frozenset(
    (
        *("chat", "responses", "embedding", "image_generation", "image_edit", "moderation"),
        *("audio_transcription", "audio_speech"),
    )
)
"""Kinds of calls of the file that are served here."""
_SIGNS: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Models:
    """Reads the list.

    Args:
        providers: Collects where the models are.
        names: What clients may ask for, so no deployment may be called so.
        catalog: The facts of models that are known.
        credentials: The file's `credential_list`, by name.
        environ: Where values that refer to variables are looked up.
        notes: Where what is not carried over is noted.
    """

    def __init__(
        self,
        providers: Providers,
        names: Iterable[str],
        catalog: ModelDirectory,
        credentials: Mapping[str, Mapping[str, Any]],
        environ: Mapping[str, str],
        notes: Notes,
    ) -> None:
        self.providers = providers
        self.deployments: list[Deployment] = []
        self.prices: list[Price] = []
        self.budgets: list[Budget] = []
        self._catalog = catalog
        self._credentials = credentials
        self._environ = environ
        self._notes = notes
        self._taken = set(names)

    def read(self, entries: list[Any]) -> None:
        """Read all entries.

        Args:
            entries: As the file has them; so many as `ENTRIES_MAX`.
        """
        if len(entries) > ENTRIES_MAX:
            why = f"It has more than {ENTRIES_MAX:,} entries; the first of them are here."
            self._notes.add("model_list", why, "Write the others by hand.")
        for number, entry in enumerate(entries[:ENTRIES_MAX], 1):
            self._entry(entry, f"entry {number}")

    def _entry(self, entry: object, place: str) -> None:
        table = Table(entry, "model_list", self._notes, self._environ, place)
        name = table.text("model_name")
        if name is None:
            table.note("model_name", "It has no name.", CORRECT)
            return
        place = table.place = f"{place} {name[:64]}"
        params = Table(
            self._with_credential(table), "litellm_params", self._notes, self._environ, place
        )
        info = Table(table.take("model_info"), "model_info", self._notes, self._environ, place)
        found = self._found(name, params, info)
        provider = None if found is None else self.providers.of(found[0], params)
        if found is not None and provider is not None:
            self._deployment(name, provider, found[1], params, info)
            for each in (table, params, info):
                note_rest(each)

    def _with_credential(self, table: Table) -> object:
        """Return the entry's `litellm_params`, with what the credential that it names says."""
        params = table.take("litellm_params")
        if not isinstance(params, dict):
            return params or {}
        name = params.get("litellm_credential_name")
        if name is None:
            return params
        values = self._credentials.get(name) if isinstance(name, str) else None
        if values is None:
            why = "There is no such credential in the file: it is in the database, or misspelt."
            table.note("litellm_credential_name", why, "Give the provider its `credential`.")
        merged = {**(values or {}), **params}
        merged.pop("litellm_credential_name")
        return merged

    def _found(self, name: str, params: Table, info: Table) -> tuple[Seller, str] | None:
        """Return who sells an entry's model and its name there; None where it is left out."""
        model = params.text("model")
        told = params.text("custom_llm_provider")
        mode = info.text("mode")
        if model is None:
            params.note("model", "It names no model.", CORRECT)
        elif "*" in name or "*" in model:
            why = "It stands for every model there is, and here a price and a limit are each one's."
            params.note(
                "model", why, "Name the models that are used: a deployment and a route each."
            )
        elif mode is not None and mode not in SERVED:
            why = f"Calls of the kind {mode!r} are not served here."
            info.note("mode", why, "Let those clients ask the provider itself.")
        elif (found := sold_by(model, told)) is None:
            why = f"It is not known what kind of provider sells {model!r}."
            fix = "If it speaks Chat Completions, write a provider of that kind with its address."
            params.note("model", why, fix)
        else:
            return found
        return None

    def _deployment(
        self, group: str, provider: Provider, model: str, params: Table, info: Table
    ) -> None:
        catalog = self._priced_as(info)
        most, info_most = info.whole("max_output_tokens"), info.whole("max_tokens")
        given = info.text("id")
        name = given if given is not None and is_name(given) else f"{provider.id}-{model}"
        deployment = Deployment(
            id=self._free(_SIGNS.sub("-", name)),
            group=group,
            provider=provider.id,
            model=model,
            catalog=catalog,
            context_tokens=info.whole("max_input_tokens"),
            output_tokens_max=most or info_most,
            concurrency_max=params.whole("max_parallel_requests"),
            region=params.text("region_name"),
            weight=params.number("weight"),
            rpm=_rate(params, "rpm"),
            tpm=_rate(params, "tpm"),
            order=params.number("order"),
        )
        deployment = self._answering(provider, deployment, params)
        if self._price(provider, deployment, params, info):
            # What the file says of it comes before what is known of another.
            deployment = deployment._replace(catalog=None)
        self.deployments.append(deployment)
        limit = budget(f"deployment-{deployment.id}", f"deployment:{deployment.id}", params)
        if limit is not None:
            self.budgets.append(limit)

    def _answering(self, provider: Provider, deployment: Deployment, params: Table) -> Deployment:
        """Return a deployment with how long its answers are where a call does not say."""
        told, told_too = params.whole("max_tokens"), params.whole("max_completion_tokens")
        tokens = told or told_too
        if tokens is None:
            return deployment
        if deployment.catalog is not None:
            seller, _, model = deployment.catalog.partition("/")
        else:
            seller, model = seller_of(provider), deployment.model
        facts = self._catalog.facts(seller, model)
        known = None if facts is None else facts.output_tokens_max
        most = deployment.output_tokens_max or known or OUTPUT_TOKENS_MAX_FALLBACK
        if tokens > most:
            # What is known of it must be wrong, or was not known.
            deployment = deployment._replace(output_tokens_max=tokens)
        return deployment._replace(output_tokens_default=tokens)

    def _free(self, name: str) -> str:
        """Return an id that nothing else has."""
        base = name.strip(".-_")[:48].rstrip(".-_") or "model"
        numbers = range(1, len(self._taken) + 2)
        names = (base if number == 1 else f"{base}-{number}" for number in numbers)
        found = next(one for one in names if one not in self._taken)
        self._taken.add(found)
        return found

    def _priced_as(self, info: Table) -> str | None:
        """Return whose prices an entry says hold for it, where the catalog has them."""
        base = info.text("base_model")
        if base is None:
            return None
        model = base.rpartition("/")[2]
        sellers = sorted({each.seller for each in self._catalog.models})
        found = [one for one in sellers if self._catalog.facts(one, model) is not None]
        if found:
            return f"{found[0]}/{model}"
        why = f"The price of {base!r} is not known here."
        info.note("base_model", why, "Write its price: a [[prices]] row.")
        return None

    def _price(
        self, provider: Provider, deployment: Deployment, params: Table, info: Table
    ) -> bool:
        """Take up what the file says that a model costs, and tell whether it does.

        What nothing prices on a machine of one's own costs nothing.
        """
        found: dict[str, Decimal] = {}
        for key, meter in METERS.items():
            amount = params.number(key)
            amount = info.number(key) if amount is None else amount
            if amount is not None:
                found[meter] = amount * PER_MILLION
        if not found and not provider.own:
            return False
        amounts = {"input": Decimal(0), "output": Decimal(0), **found}
        self.prices.append(Price(deployment.provider, deployment.model, amounts))
        return True


def _rate(params: Table, key: str) -> Decimal | None:
    """Return how much a deployment takes in a minute, which here is a weight at most."""
    found = params.number(key)
    if found is not None:
        why = "What a provider takes in a minute is not written down: what it says of it counts."
        fix = "Nothing; give it concurrency_max where it can serve only so many calls at once."
        params.note(key, why, fix)
    return found
