"""The demo plays an application through the Python client of this very tree, as an installed one would."""

import sys
from pathlib import Path

CLIENT = str(Path(__file__).resolve().parents[2] / "clients" / "python")
if CLIENT not in sys.path:
    sys.path.append(CLIENT)
