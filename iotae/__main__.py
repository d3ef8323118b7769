"""``python -m iotae`` is the ``iotae`` command."""

from __future__ import annotations

import sys

from iotae.cli import main

if __name__ == "__main__":
    sys.exit(main())
