"""Run simulations: ``python -m tests.simulation.run --seeds 0:1000``. A failing seed prints its last events."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.simulation.life import Failed, simulate
from tests.simulation.story import story

MEMORY = Path("/dev/shm")
"""Where stores lie: nothing here is to survive, and a disk would be waited for."""
COMMAND = "python -m tests.simulation.run --seeds {seed}:{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 if an invariant was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:1000", help="from:to, the second not included")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--first", action="store_true", help="end with the first seed that fails")
    given = parser.parse_args(arguments)
    first, last = map(int, given.seeds.split(":"))
    began, failed = time.perf_counter(), 0
    for report in reports(range(first, last), given.jobs):
        if report:
            failed += 1
            print(report, flush=True)
            if given.first:
                return 1
    seconds = time.perf_counter() - began
    factor = sum(story(seed).end for seed in range(first, last)) / seconds
    print(f"{last - first} seeds in {seconds:.1f} s, {factor:.0f} times real time: {failed} failed")
    return int(failed > 0)


def reports(seeds: Sequence[int], jobs: int = 1) -> Iterator[str]:
    """What each seed broke; nothing where all held."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        one = partial(report, Path(folder))
        if jobs == 1:
            yield from map(one, seeds)
        else:
            with ProcessPoolExecutor(jobs) as pool:
                yield from pool.map(one, seeds, chunksize=4)


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
