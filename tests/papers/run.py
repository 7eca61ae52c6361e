"""Print published numbers beside ours, as a table; exit status 1 if one is missed without a known reason.

The table goes to the standard output, progress to the standard error: python -m tests.papers.run > rows.md
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from tests.papers import sakov2008, sakov2012, wilks2005
from tests.papers.rows import NotRun, Published, Row

PAPERS: dict[str, Published] = {
    "sakov2012": sakov2012.PUBLISHED,
    "sakov2008": sakov2008.PUBLISHED,
    "wilks2005": wilks2005.PUBLISHED,
}
HEADER = (
    "| paper | method | published | ours | sd over replicates | replicates | |",
    "|---|---|---:|---:|---:|---:|---|",
)


def main(arguments: Sequence[str]) -> int:
    """Run the rows of some papers, or of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.papers.run", description=__doc__)
    parser.add_argument("papers", nargs="*", metavar="paper", help=f"any of {', '.join(PAPERS)}; default: all")
    chosen = parser.parse_args(arguments).papers or list(PAPERS)
    for unknown in (paper for paper in chosen if paper not in PAPERS):
        parser.error(f"expected a paper of {', '.join(PAPERS)}, got '{unknown}'")
    print(*HEADER, sep="\n", flush=True)
    rows = [(paper, row) for paper in chosen for row in PAPERS[paper]]
    return int(sum(_run(paper, row, f"{place}/{len(rows)}") for place, (paper, row) in enumerate(rows, 1)) > 0)


def _run(paper: str, row: Row | NotRun, place: str) -> bool:
    """Print the line of one row; whether its number is missed without a reason."""
    if isinstance(row, NotRun):
        published = "none" if row.published is None else f"{row.published:.2f}"
        print(f"| {paper} | {row.name} | {published} | | | | not run: {row.reason} |", flush=True)
        return False
    print(f"{place} {paper}: {row.name}, {row.replicates} replicates ...", end=" ", file=sys.stderr, flush=True)
    start = time.monotonic()
    line, reached = reported(paper, row)
    print(f"{time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    print(line, flush=True)
    return not (reached or row.reason)


def reported(paper: str, row: Row) -> tuple[str, bool]:
    """The line of one row, and whether its number is reached."""
    score = row.score()
    reached = row.reached(score)
    remark = ", ".join(_remarks(row, score.diverged, reached))
    figures = f"{row.published:.2f} | {score.error:.3f} | {score.sd:.3f} | {row.replicates}"
    return f"| {paper} | {row.name} | {figures} | {remark} |", reached


def _remarks(row: Row, diverged: int, reached: bool) -> Iterator[str]:
    yield "reached" if reached else f"not reached: {row.reason or 'no reason known'}"
    if diverged:
        yield f"{diverged} of {row.replicates} replicates diverged"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
