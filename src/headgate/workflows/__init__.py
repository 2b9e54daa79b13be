"""Durable runs: `@workflow`, `@step`, and what runs them."""

from headgate.workflows.swarm import Swarm, approval, step, workflow

__all__ = ["Swarm", "approval", "step", "workflow"]
