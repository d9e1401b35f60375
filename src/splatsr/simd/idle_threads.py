"""Threads that wait for work sleep: on a machine that does other things too, waiting awake takes half of all processor time."""

import os


def let_idle_threads_sleep() -> None:
    """Sets OMP_WAIT_POLICY to passive where it is not set. To be called before torch is imported, which reads it then.

    For commands of a few seconds. A training has the machine to itself, and its threads wait for microseconds.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
