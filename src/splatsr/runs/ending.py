"""How a command line ends: user errors as one line, signals, readers that have gone, and the exit code that says which."""

import logging
import os
import sys
from collections.abc import Callable

from splatsr.runs.termination import Terminated, exit_code, line, listen
from splatsr.runs.unread_output import STATUS, discard, is_unread


def run_to_end(work: Callable[[], object], explain: Callable[[Exception], str | None], refusals: list[str]) -> int:
    """Calls `work` and returns the exit code: 0; 1 after user errors; 130 and 143 after Ctrl-C and SIGTERM; 141 where nobody
    reads the output any more.

    Args:
        work: the command.
        explain: one line for an error that the user can put right; None for a defect of the program, which is raised.
        refusals: such lines, to which `work` may add its own; they are printed at the end.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever began this process
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    logging.raiseExceptions = False  # a line that the log has no room for is no reason for a traceback
    try:
        listen()
        work()
        _flush(refusals)
    except (BrokenPipeError, SystemExit) as error:  # rich makes the second of the first
        if isinstance(error, SystemExit) and error.code == 0:
            return 0
        if not is_unread(sys.stdout) and not isinstance(error.__context__, BrokenPipeError):
            raise
        discard(sys.stdout)
        return STATUS
    except Exception as error:
        if exit_code() is None:
            if (refusal := explain(error)) is None:
                raise
            refusals.append(refusal)
    except Terminated:
        pass
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; go on with resume=auto if this was a training.\n")
        return 130
    if (code := exit_code()) is not None:
        sys.stderr.write(line())
        return code
    for refusal in dict.fromkeys(refusals):  # members of a multirun may all say the same
        from splatsr.shown import printable  # it imports rich, which --help does without

        sys.stderr.write(f"error: {printable(refusal, sys.stderr.encoding)}\n")
    return 1 if refusals else 0


def _flush(refusals: list[str]) -> None:
    """Writes what standard output still holds; where it cannot be written, that is a refusal."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        refusals.append(f"standard output cannot be written: {error.strerror}; what was asked for is done.")
