"""Any job of splatsr.jobs, composed by Hydra from conf/: what the command `splatsr` does too.  `python run.py --help`"""

import sys

from splatsr.runs.command_line import main

if __name__ == "__main__":
    sys.argv += ["--help"] if len(sys.argv) == 1 else []
    sys.exit(main())
