"""What is durable has been given to the disk: a kill does not show it, the calls of the system do."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMITS = 4
WRITING = f"""
import os, sys
from pathlib import Path
from tests.store.making import IDENTITY, accepted
from twin_runtime.store.store import Store

with Store.create_or_open(Path(sys.argv[1]), IDENTITY) as store:
    for number in range({COMMITS}):
        store.write([accepted(number)])
        os.write(1, b"durable")
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    tracing = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(trace)]
    writing = [*tracing, sys.executable, "-c", WRITING, str(tmp_path / "ward.db")]
    traced = subprocess.run(writing, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if "ptrace" in traced.stderr:
        pytest.skip("needs the right to trace a process")
    assert traced.stdout == "durable" * COMMITS, traced.stderr
    calls = re.findall(r"sync\(\d+<\S*ward\.db-wal>\) += 0|\"durable\"", trace.read_text())
    synced = ["sync" in call for call in calls]
    reported = [place for place, is_sync in enumerate(synced) if not is_sync]
    assert len(reported) == COMMITS
    assert all(synced[place - 1] for place in reported)
