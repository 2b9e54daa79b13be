"""What one of several workers has of bounds that are for all of them."""

from pathlib import Path

from headgate.config.load import load
from headgate.node.parts import part_of
from tests.node.harness import write_config

LIMITS = """
connections_max = 10
buffered_bytes_max = 4000000
body_bytes_max = 3000000
retries_burst = 0
"""


def test_workers_have_even_parts_of_what_is_bounded_for_all(tmp_path: Path) -> None:
    """Rounded up; nothing is divided where there is one, and the largest body has room at each."""
    file, url = tmp_path / "headgate.toml", "http://127.0.0.1:9"
    write_config(file, openai_url=url, anthropic_url=url, gemini_url=url, limits=LIMITS)
    whole = load(file, {})

    part = part_of(whole, 4)

    assert part_of(whole, 1) == whole
    assert (part.edge.connections_max, part.edge.retries_burst) == (3, 0)
    assert part.edge.buffered_bytes_max == 3_000_000
    assert part.edge.spooled_bytes_max == whole.edge.spooled_bytes_max // 4
    assert {each.queue_max for each in part.deployments.values()} == {25_000}
