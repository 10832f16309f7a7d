"""`python -m pytest_quecfota` is the command `quecfota`."""

import sys

from pytest_quecfota.cli import main

sys.exit(main())
