"""Simulated providers on loopback: they speak, cache, fail and bill as real ones do.

Nothing here imports anything else of the project.
"""

from headgate.simulator.bill import Bill, BillEntry, BillLine, Usage
from headgate.simulator.faults import Fault, FaultBoard, FaultKind
from headgate.simulator.gate import Gate
from headgate.simulator.models import MODELS, ModelFacts, ProviderName
from headgate.simulator.pace import INSTANT, Pace
from headgate.simulator.prices import PRICES, PriceRow, find_row
from headgate.simulator.received import Received
from headgate.simulator.simulator import Options, Simulator, SimulatorThread

__all__ = [
    "INSTANT",
    "MODELS",
    "PRICES",
    "Bill",
    "BillEntry",
    "BillLine",
    "Fault",
    "FaultBoard",
    "FaultKind",
    "Gate",
    "ModelFacts",
    "Options",
    "Pace",
    "PriceRow",
    "ProviderName",
    "Received",
    "Simulator",
    "SimulatorThread",
    "Usage",
    "find_row",
]
