"""What a store says of its run, to any process that can read the file, while the run goes on or after it.

Counts, verdicts and estimates are of all that is stored. What the checks sum up and the state's hash are those of the
end of the run; while it goes on, or if it was killed, of the newest checkpoint, which lies behind by the lateness:
``checkpoint_tick`` names it.
"""

from collections import Counter
from typing import Any

from twin_runtime.core import FIGURES, FloatArray, Record, Trust
from twin_runtime.runs.accounting import accounting, consistency, state_hash
from twin_runtime.store.reader import Reader
from twin_runtime.vvuq.diagnostics import diagnosed
from twin_runtime.vvuq.memory import Layout


def stored_summary(reader: Reader) -> dict[str, Any]:
    """The same keys as the summary of a replay; those that a store cannot know are None."""
    known, checkpoint = reader.identity, reader.tip() or reader.checkpoint()
    ticks, verdicts, last = _estimated(reader)
    layout = Layout(known.sensors, 0)
    memory = layout.fresh(len(known.twins)) if checkpoint is None else checkpoint.state.memory
    return {
        "name": known.name,
        "config_hash": known.config_hash,
        "model_hash": known.model_hash,
        "ticks": ticks,
        "frontier": reader.frontier(),
        "readings": accounting(reader.counts(), None if checkpoint is None else memory),
        "state_hash": None if checkpoint is None else state_hash(checkpoint.tick, checkpoint.state),
        "checkpoint_tick": None if checkpoint is None else checkpoint.tick,
        "realtime_factor": None,
        **consistency(memory),
        "verdicts": {level.name.lower(): verdicts[level] for level in Trust},
        "reasons": [] if last is None else sorted({name for bits in last.reasons for name in known.reasons(int(bits))}),
        **diagnosed(layout.records(memory), known.twins, known.channels[: known.sensors]),
        "estimates": {} if last is None else _estimates(reader, last),
        "unit": {quantity.name: quantity.unit for quantity in known.quantities},
    }


def _estimated(reader: Reader) -> tuple[int, Counter[Trust], Record | None]:
    """How many ticks there are, how often each verdict, and the newest record."""
    ticks, verdicts, last = 0, Counter[Trust](), None
    for last in reader.latest():  # the last one is wanted
        ticks += 1
        verdicts.update(map(Trust, last.trust.tolist()))
    return ticks, verdicts, last


def _estimates(reader: Reader, last: Record) -> dict[str, Any]:
    """All figures by quantity; by twin first, in a fleet of more than one."""
    known = reader.identity
    by_twin = {known.twins[row]: _figures(reader, last.figures[i]) for i, row in enumerate(last.rows)}
    return by_twin if len(known.twins) > 1 else next(iter(by_twin.values()))


def _figures(reader: Reader, figures: FloatArray) -> dict[str, dict[str, float]]:
    names = (quantity.name for quantity in reader.identity.quantities)
    return {name: dict(zip(FIGURES, row.tolist(), strict=True)) for name, row in zip(names, figures, strict=True)}
