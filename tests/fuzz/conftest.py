"""The gateway and the simulator are those of the data plane's tests."""

from tests.gateway.conftest import gateway, running_gateway, running_simulator, simulator, start

__all__ = ["gateway", "running_gateway", "running_simulator", "simulator", "start"]
