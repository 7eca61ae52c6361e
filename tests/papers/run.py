"""Print published numbers beside ours: ``python -m tests.papers.run [paper ...]``; exit status 1 if one is missed."""

import sys
from collections.abc import Iterator, Sequence

from tests.papers import sakov2008, sakov2012, wilks2005
from tests.papers.rows import Row

NOT_RUN = {"sakov2008": sakov2008.NOT_RUN}
PAPERS = {"sakov2012": sakov2012.ROWS, "sakov2008": sakov2008.ROWS, "wilks2005": wilks2005.ROWS}
HEADER = ("| paper | method | published | ours | sd over replicates | |", "|---|---|---:|---:|---:|---|")


def main(papers: Sequence[str]) -> int:
    """Run the rows of some papers, or of all."""
    print(*HEADER, sep="\n")
    missed = 0
    for paper in papers or PAPERS:
        for row in PAPERS[paper]:
            line, reached = told(paper, row)
            missed += not (reached or row.reason)
            print(line, flush=True)
        for name, published, reason in NOT_RUN.get(paper, ()):
            print(f"| {paper} | {name} | {published:.2f} | | | not run: {reason} |")
    return int(missed > 0)


def told(paper: str, row: Row) -> tuple[str, bool]:
    """The line of one row, and whether its number is reached."""
    score = row.score()
    reached = row.reached(score)
    remark = ", ".join(_remarks(row, score.diverged, reached))
    return f"| {paper} | {row.name} | {row.published:.2f} | {score.error:.3f} | {score.sd:.3f} | {remark} |", reached


def _remarks(row: Row, diverged: int, reached: bool) -> Iterator[str]:
    if diverged:
        yield f"{diverged} of {row.replicates} replicates diverged"
    if not reached:
        yield f"not reached: {row.reason or 'no reason known'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
