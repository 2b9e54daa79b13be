"""Where the clients of JavaScript are, which `make test-all` installs."""

import shutil
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "js" / "clients.mjs"
FOLDER = Path(__file__).parents[3] / "build" / "javascript"
"""Where their packages are; a script is run there, for it to find them."""

INSTALLED = shutil.which("node") is not None and (FOLDER / "node_modules").exists()
WHY_NOT = "needs node and the packages in tests/clients/js, which make test-all installs"
