"""A signal is answered within a second, whatever the process is busy with."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.ward import ward
from twin_runtime.cli.stopping import LEAVING

BUSY = """
import asyncio, time, sys
from twin_runtime.cli.stopping import stop_signals

async def main():
    stop = asyncio.Event()
    with stop_signals(lambda by: (print(by.name, flush=True), stop.set())):
        print("ready", flush=True)
        {work}
    print("left", flush=True)

asyncio.run(main())
"""


@contextmanager
def started(work: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", BUSY.format(work=work)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("asked_by", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_that_turns_is_asked(asked_by: signal.Signals) -> None:
    with started("await stop.wait()") as process:
        process.send_signal(asked_by)
        output, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, b"")
    assert output.decode().split() == [asked_by.name, "left"]


def test_a_loop_that_does_not_turn_is_left() -> None:
    with started("while True: pass") as process:
        time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=20)
    assert time.monotonic() - began < 1.5
    assert (process.returncode, complaints) == (128 + signal.SIGTERM, LEAVING)


def test_a_second_signal_ends_it_at_once() -> None:
    with started("await asyncio.Event().wait()") as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == b"SIGTERM\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == -signal.SIGTERM


def test_the_kernels_of_a_model_leave_the_interpreter_to_others() -> None:
    model = ward().types[0].fleet.model
    assert model._advance.targetoptions["nogil"]  # type: ignore[attr-defined]
