"""What `headgate init` has to know of a kind of provider to write a configuration for it."""

import string
from collections.abc import Mapping
from typing import NamedTuple


class Model(NamedTuple):
    """A model to begin with.

    Attributes:
        name: The id of its deployment.
        model: The name sent upstream.
        catalog: `seller/model` whose prices hold, when they are not the provider's own.
    """

    name: str
    model: str
    catalog: str | None = None


class Setup(NamedTuple):
    """How a kind of provider is set up from what an environment usually has.

    Attributes:
        base_url: With the variables that it is made of in braces.
        secrets: Variables that hold a credential; the first that is set is referred to.
        models: Those whose prices are known here, the cheapest first, the ablest last.
        command: Prints a credential that is made of several variables.
        parts: Those variables; all have to be set.
        servers: Programs of this kind that run on one's own machine: name and base URL.
        free_path: Below the base URL, what answers whose credential is good, at no cost; None
            when there is no such thing.
    """

    base_url: str = ""
    secrets: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    command: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    servers: tuple[tuple[str, str], ...] = ()
    free_path: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that the base URL is made of."""
        parsed = string.Formatter().parse(self.base_url)
        return tuple(name for _, name, _, _ in parsed if name)

    def secret_in(self, environ: Mapping[str, str]) -> str | None:
        """Return the variable that holds a credential, None when none does."""
        return next((name for name in self.secrets if environ.get(name, "").strip()), None)

    def is_placed(self, environ: Mapping[str, str]) -> bool:
        """Tell whether the base URL can be made."""
        return bool(self.base_url) and all(environ.get(name) for name in self.variables)

    def commands_in(self, environ: Mapping[str, str]) -> bool:
        """Tell whether the command has what it prints."""
        return bool(self.command) and all(environ.get(name) for name in self.parts)
