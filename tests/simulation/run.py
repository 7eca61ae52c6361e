"""Run simulations: ``python -m tests.simulation.run --seeds 0:1000``. A failing seed prints its last events.

``--minutes 60 --jobs 1`` lives through as many seeds as an hour of one core allows.
"""

import argparse
import math
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.simulation.life import Failed, simulate
from tests.simulation.story import story

MEMORY = Path("/dev/shm")
"""Where stores lie: nothing here is to survive, and a disk would be waited for."""
COMMAND = "python -m tests.simulation.run --seeds {seed}:{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 if an invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.run", description=__doc__)
    parser.add_argument("--seeds", default="0:1000", help="from:to, the second not included")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--first", action="store_true", help="end with the first seed that fails")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no seed after so long")
    given = parser.parse_args(arguments)
    first, last = map(int, given.seeds.split(":"))
    began, lived, failed = time.perf_counter(), 0.0, 0
    for seed, report in tracked(reports(range(first, last), given.jobs), last - first):
        lived += story(seed).end
        if report:
            failed += 1
            print(report, flush=True)
        if (report and given.first) or time.perf_counter() - began > 60 * given.minutes:
            last = seed + 1
            break
    seconds = time.perf_counter() - began
    print(f"{last - first} seeds in {seconds:.1f} s, {lived / seconds:.0f} times real time: {failed} failed")
    return int(failed > 0)


def tracked(reports: Iterable[tuple[int, str]], total: int) -> Iterable[tuple[int, str]]:
    """The same, with a bar that shows how far they are."""
    return track(reports, "simulating", total, console=Console(stderr=True), disable=not sys.stderr.isatty())


def reports(seeds: Sequence[int], jobs: int = 1) -> Iterator[tuple[int, str]]:
    """Each seed with what it broke; nothing where all held."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        one = partial(report, Path(folder))
        if jobs == 1:
            yield from ((seed, one(seed)) for seed in seeds)
        else:
            yield from _at_once(one, seeds, jobs)


def _at_once(one: Callable[[int], str], seeds: Sequence[int], jobs: int) -> Iterator[tuple[int, str]]:
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from zip(seeds, pool.map(one, seeds, chunksize=4), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def report(folder: Path, seed: int) -> str:
    """The invariant that a seed broke, the last events, and the command that runs it again; else nothing."""
    try:
        simulate(story(seed), folder)
    except Failed as failure:
        events = "\n".join(failure.trace.last)
        return f"seed {seed}: {failure}\n{events}\nagain: {COMMAND.format(seed=seed, after=seed + 1)}"
    except Exception:
        return f"seed {seed}: {traceback.format_exc()}\nagain: {COMMAND.format(seed=seed, after=seed + 1)}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
