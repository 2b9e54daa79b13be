"""What one of several workers has of the bounds that are for all of them together; pure."""

from dataclasses import replace

from headgate.config.snapshot import Snapshot
from headgate.gateway.settings import Edge


def part_of(snapshot: Snapshot, workers: int) -> Snapshot:
    """Return the configuration as one of so many workers goes by it.

    Connections, bodies being received, forms on the disk, saved retries and queues are divided
    evenly, and rounded up. One body, or one form, of the largest size always has room.
    """
    deployments = {
        name: each._replace(queue_max=_part(each.queue_max, workers))
        for name, each in snapshot.deployments.items()
    }
    return replace(snapshot, edge=_of_edge(snapshot.edge, workers), deployments=deployments)


def _of_edge(edge: Edge, workers: int) -> Edge:
    return edge._replace(
        connections_max=_part(edge.connections_max, workers),
        buffered_bytes_max=_with_room(edge.buffered_bytes_max, workers, edge.body_bytes_max),
        spooled_bytes_max=_with_room(edge.spooled_bytes_max, workers, edge.upload_bytes_max),
        retries_burst=_part(edge.retries_burst, workers),
    )


def _with_room(of_all: int, workers: int, largest: int) -> int:
    return max(_part(of_all, workers), min(of_all, largest))


def _part(of_all: int, workers: int) -> int:
    return -(-of_all // workers)
