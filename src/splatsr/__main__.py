"""`python -m splatsr` and the command `splatsr`."""

import sys

from splatsr.commands.front_door import main

if __name__ == "__main__":
    sys.exit(main())
