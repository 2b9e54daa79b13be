"""Resolving secrets: from the environment, a file, or the configuration itself."""

from collections.abc import Collection, Mapping
from pathlib import Path

from headgate.config.problems import Problems
from headgate.config.shape import Secret

SECRET_CHARS_MAX = 8_192


class SecretReader:
    """Resolves secrets of one configuration file.

    Args:
        environ: The environment.
        base: The folder that relative paths start from: the configuration file's.
        problems: Where what is missing is noted.
        tables: Those whose secrets are read.
    """

    def __init__(
        self, environ: Mapping[str, str], base: Path, problems: Problems, tables: Collection[str]
    ) -> None:
        self._environ = environ
        self._base = base
        self._problems = problems
        self._tables = tables

    def reads(self, table: str) -> bool:
        """Tell whether the secrets of a table are read."""
        return table in self._tables

    def read(self, secret: Secret | None, key: str) -> str | None:
        """Return a secret without surrounding blanks; None when there is none or it is noted.

        One that is given in a table that is not read comes back as an empty text.
        """
        if secret is None:
            return None
        given = [name for name in secret.__struct_fields__ if getattr(secret, name) is not None]
        if len(given) != 1:
            self._problems.add(
                key,
                "A secret stands in exactly one place.",
                'Write one of { env = "NAME" }, { file = "PATH" }, { value = "SECRET" }.',
            )
            return None
        if not self.reads(key.partition(".")[0]):
            return ""
        text = self._find(secret, key)
        return None if text is None else self._usable(text.strip(), f"{key}.{given[0]}")

    def _find(self, secret: Secret, key: str) -> str | None:
        if secret.env is not None:
            return self._from_environment(secret.env, f"{key}.env")
        if secret.file is not None:
            return self._from_file(self._base / secret.file, f"{key}.file")
        return secret.value

    def _from_environment(self, name: str, key: str) -> str | None:
        text = self._environ.get(name, "")
        if text.strip():
            return text
        state = "empty" if name in self._environ else "not set"
        self._problems.add(
            key,
            f"The environment variable {name} is {state}.",
            f"Set it where Headgate starts: export {name}=...",
        )
        return None

    def _from_file(self, path: Path, key: str) -> str | None:
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self._problems.add(
                key,
                f"{path} cannot be read: {reason}.",
                "Write the secret to that file, or name another one.",
            )
            return None

    def _usable(self, text: str, key: str) -> str | None:
        if 0 < len(text) <= SECRET_CHARS_MAX and text.isascii() and text.isprintable():
            return text
        self._problems.add(
            key,
            "The secret is empty, too long, or has characters that no HTTP header can carry.",
            "Use printable ASCII on a single line.",
        )
        return None
