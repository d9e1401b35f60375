import signal
import subprocess
import sys
import threading

import pytest

from splatsr.runs import termination

WAITING = """
import sys, time
from splatsr.runs import termination
termination.PATIENCE = 1.0
try:
    termination.listen()
    print("listening", flush=True)
    {work}
except termination.Terminated:
    sys.stderr.write(termination.line())
    sys.exit(termination.exit_code())
"""

MEMBER = "from splatsr.runs.termination import end_with_standard_input as end, listen; import time; listen(); end();"


def end(work: str, number: int, said: str = "listening") -> tuple[int, list[str]]:
    """(exit code, lines of stderr) of a process that is asked to end while it works, once it has said something."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING.format(work=work)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "listening\n"
        assert said == "listening" or process.stdout.readline() == f"{said}\n"
        process.send_signal(number)
        lines = process.stderr.read().splitlines()
        return process.wait(timeout=60), lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_work_with_one_line_and_the_usual_exit_code(number: int) -> None:
    code, (line,) = end("time.sleep(60)", number)
    assert code == 128 + number
    assert line.startswith(f"ended by {signal.Signals(number).name}; a training")


def test_what_does_not_end_is_ended(capfd: pytest.CaptureFixture[str]) -> None:
    code, (line,) = end(
        "\n    ".join(["while True:", "    try: time.sleep(60)", "    except BaseException: pass"]), signal.SIGTERM
    )
    assert code == 143
    assert line.startswith("ended by SIGTERM")


def test_an_interrupt_that_python_forgets_is_none_the_less_one(capfd: pytest.CaptureFixture[str]) -> None:
    destroyed = "type('Held', (), {'__del__': lambda _: (print('held', flush=True), time.sleep(60))})()"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is born ignoring it
    try:
        code, lines = end(f"import time; held = {destroyed}; del held\n    while True: time.sleep(1)", signal.SIGINT, "held")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (code, lines) == (130, ["interrupted; go on with resume=auto if this was a training."])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_what_nohup_has_the_process_ignore_stays_ignored(number: int) -> None:
    before = signal.signal(number, signal.SIG_IGN)  # a process is born with what its parent ignores
    try:
        code, lines = end("time.sleep(0.3)", number)
    finally:
        signal.signal(number, before)
    assert (code, lines) == (0, [])


def test_a_member_ends_when_the_process_that_started_it_is_gone() -> None:
    command = [sys.executable, "-c", f"{MEMBER} print('up', flush=True); time.sleep(60)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.stdin.close()  # as the system does where that process is killed
        assert "Terminated" in process.stderr.read()
        assert process.wait(timeout=60) != 0


def test_only_the_main_thread_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=termination.listen)
    thread.start()
    thread.join()
    termination.listen_again()  # nobody has listened before
    assert signal.getsignal(signal.SIGTERM) is before
    assert termination.exit_code() is None


def test_a_child_that_ends_too_is_no_error_of_the_work() -> None:
    complain = "def complain(*_): raise RuntimeError('a worker has died')\n    signal.signal(signal.SIGCHLD, complain)"
    begun = "child = subprocess.Popen(['sleep', '60'])"
    held = "print('held', flush=True), time.sleep(60)"  # within the try, else the signal may come before it
    child = f"{begun}\n    try: {held}\n    finally: child.kill(), time.sleep(0.3)"
    code, (line,) = end(f"import signal, subprocess\n    {complain}\n    {child}", signal.SIGTERM, "held")
    assert code == 143
    assert line.startswith("ended by SIGTERM")
