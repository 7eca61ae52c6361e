"""The same recorded streams with every method that applies: how good the forecasts of the readings are, and the cost.

python -m tests.streaming.methods --data FOLDER
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.streaming.streams import ARTERY, PIPE, Followed, Stream, follow
from twin_runtime.assimilation import METHODS
from twin_runtime.config.against_method import unfit_method
from twin_runtime.config.against_model import create_model
from twin_runtime.core import Recording

HEADER = (
    "| twin | method | coverage of 90 % | CRPS | RMSE / spread | NIS | trusted | CPU a tick |",
    "|---|---|---:|---:|---:|---:|---:|---:|",
)
NEEDED: Mapping[str, Mapping[str, object]] = {"letkf": {"radius": 10.0}}
"""What a method cannot do without: metres of pipe."""


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m tests.streaming.methods", description="Every method on recorded streams.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the recordings' folders")
    folder = parser.parse_args(arguments).data
    print(*HEADER, sep="\n")
    for stream in (ARTERY, PIPE):
        recording = stream.recorded(folder)
        for name, how in ways().items():
            print(f"| {stream.name} | {name} | {cells(stream, recording, how)} |", flush=True)
    return 0


def ways() -> dict[str, Mapping[str, object]]:
    """The ways to assimilate by name: every method, and the first with inflation found by itself."""
    named = {name: {"method": name, **NEEDED.get(name, {})} for name in METHODS}
    return {**named, "etkf, adaptive": {"adaptive": True}}


def cells(stream: Stream, recording: Recording, how: Mapping[str, object]) -> str:
    """The rest of a line: figures, or why the method does not apply."""
    config = stream.config(**how)
    for problem in unfit_method(config.types[0], create_model(stream.config().types[0])):
        return f"does not apply: {problem.what} | | | | |"
    return " | ".join(figures(follow(config, recording, stream.seconds), stream))


def figures(followed: Followed, stream: Stream) -> Sequence[str]:
    """What a replay came to."""
    summary = followed.summary
    scores = summary["diagnostics"][stream.sensor]
    trusted = summary["verdicts"]["trusted"] / summary["ticks"]
    return (
        f"{summary['coverage_90']:.1%}",
        f"{scores['crps']:.4g}",
        f"{scores['skill']:.2f}",
        f"{summary['nis']:.2f}",
        f"{trusted:.1%}",
        f"{followed.cost * 1e6:.0f} us",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
