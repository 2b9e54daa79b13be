"""The configuration that `headgate init` writes: it works as it stands, and explains itself."""

from importlib import resources

FILE_NAME = "headgate.toml"


def template() -> str:
    """Return the text of the file, which lies beside this module."""
    return (resources.files("headgate.config") / "template.toml").read_text("utf-8")
