"""Problems tell the line of their key, or of the table it is to be in."""

import pytest

from headgate.config.lines import line_of

TEXT = """# a file
[listen]
gateway = "127.0.0.1:0"

[deployments."gpt-5.4"]  # dotted id
provider = "a"
certifications = { iso = 2026-01-01 }

[policies.two]
kind = "ab"
arms.one = 1

[[prices]]
model = "m"
[[prices]]
model = "n"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("listen.gateway", 3),
        ("listen.console", 2),
        ("deployments.gpt-5.4.provider", 6),
        ("deployments.gpt-5.4.certifications.iso", 7),
        ("deployments.gpt-5.4.model", 5),
        ("policies.two.arms.one", 11),
        ("policies.two", 9),
        ("prices[1].model", 14),
        ("prices[2].model", 16),
        ("prices[2].band", 15),
        ("nothing.at.all", None),
    ],
)
def test_a_key_is_found(key: str, line: int | None) -> None:
    """Ids may have dots; what is missing is looked for where it should be."""
    assert line_of(TEXT, key) == line
