"""Our side of the peers' process: problems go there as files, requests and answers as lines."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory

import numpy as np

from tests.benchmarks.timing import ONE_THREAD, Clock
from tests.conftest import REPOSITORY
from twin_runtime.assimilation import AnalysisInput, Localisation
from twin_runtime.assimilation.batches import whitened
from twin_runtime.core import FloatArray

ENVIRONMENT = REPOSITORY / ".venv-peers"
REMEDY = "the peers are not installed; remedy: make peers"
QUIET = "data_root: $cwd\nliveplotting: no\n"
"""DAPPER's configuration: it leaves nothing in the home folder and prints nothing."""


def are_installed() -> bool:
    """Whether ``make peers`` has been done."""
    return (ENVIRONMENT / ".installed").exists()


@dataclass(frozen=True)
class Peers:
    """The process, and the folder in which it runs."""

    process: Popen[str]
    folder: Path

    def pose(self, name: str, problem: AnalysisInput, localisation: Localisation | None = None) -> None:
        """Hand over a problem of one twin; to be localised, its states are on a ring at distance 1."""
        observed, variance = problem.observed, problem.variance
        outputs, half_width = (localisation.positions.outputs, localisation.radius) if localisation else ([], math.inf)
        np.savez(
            self.folder / f"{name}.npz",
            E=problem.x[0],
            Eo=problem.predicted[0],
            y=observed[0],
            variance=variance[0],
            errors=perturbations(problem).T * np.sqrt(variance[0]),
            seen=np.asarray(outputs, np.int64).ravel(),
            half_width=half_width,
        )

    def analysis(self, peer: str, problem: str) -> FloatArray:
        """The analysis ensemble [member, state] of a problem that was posed."""
        self._ask(peer, problem, keep=True)
        analysis: FloatArray = np.load(self.folder / "analysis.npy")
        return analysis

    def clock(self, peer: str, problem: str) -> Clock:
        """The clock of that analysis."""
        return lambda: self._ask(peer, problem, keep=False)

    def _ask(self, peer: str, problem: str, keep: bool) -> float:
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps({"peer": peer, "problem": problem, "keep": keep}), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peers' process ended with {self.process.wait()} when asked for {peer}")
        return float(json.loads(answer)["seconds"])


@contextmanager
def started(**environment: str) -> Iterator[Peers]:
    """The peers' process on one thread, ended with the block; ``environment`` is added to ours."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "dpr_config.yaml").write_text(QUIET, "utf-8")
        command = [str(ENVIRONMENT / "bin" / "python"), str(Path(__file__).with_name("worker.py"))]
        env = os.environ | ONE_THREAD | environment
        with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=folder, env=env) as process:
            yield Peers(process, Path(folder))


@contextmanager
def started_if_installed(**environment: str) -> Iterator[Peers | None]:
    """The peers' process, or nothing."""
    with started(**environment) if are_installed() else nullcontext() as peers:
        yield peers


def clock(peers: Peers | None, peer: str, problem: str) -> Clock:
    """The clock of a peer; of one that is not installed it shows NaN."""
    return peers.clock(peer, problem) if peers else lambda: math.nan


def perturbations(problem: AnalysisInput) -> FloatArray:
    """What our stochastic EnKF adds to each reading [observation, member], in standard deviations of its error."""
    (batch,) = whitened(problem, perturbed=True)
    drawn: FloatArray = batch.rows[0, :, problem.x.shape[1] + 1 :]
    return drawn
