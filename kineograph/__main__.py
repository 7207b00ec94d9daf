"""`python -m kineograph` is the command `kineograph`."""

import sys

from kineograph.cli import main

if __name__ == "__main__":
    sys.exit(main())
