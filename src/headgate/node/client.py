"""The command line's way to change something: through the steward, or alone when none runs."""

import socket
from pathlib import Path

from headgate.node.messages import Done, Failed, Message, pack
from headgate.node.paths import socket_path
from headgate.node.unpacking import Unpacker
from headgate.units.errors import StewardUnavailableError

ASK_TIMEOUT_S = 10.0


def ask(data_dir: Path, message: Message) -> Done | Failed:
    """Send one message that changes something to the steward and return its answer.

    Raises:
        StewardUnavailableError: None runs on this data directory, or it does not answer.
    """
    answer = exchange(data_dir, message)
    assert isinstance(answer, Done | Failed), answer
    return answer


def exchange(data_dir: Path, message: Message) -> Message:
    """Send one message to the steward and return its answer.

    Raises:
        StewardUnavailableError: None runs on this data directory, or it does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ASK_TIMEOUT_S)
        try:
            connection.connect(str(socket_path(data_dir)))
            connection.sendall(pack(message))
            unpacker = Unpacker()
            while data := connection.recv(65_536):
                for answer in unpacker.feed(data):
                    return answer
        except OSError as error:
            raise StewardUnavailableError(f"no steward answers on {data_dir}") from error
    raise StewardUnavailableError(f"the steward on {data_dir} closed the connection")
