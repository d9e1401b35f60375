"""The one entry point: Hydra composes conf/, a job of splatsr.jobs does the work.  `python run.py --help`"""

import sys

from splatsr.runs.command_line import main

if __name__ == "__main__":
    sys.exit(main())
