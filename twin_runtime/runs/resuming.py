"""The parts of a run as the store of an earlier part left them."""

from collections import Counter

from twin_runtime.ingest.router import NO_TYPE, Router
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.store.reader import Reader


def resume(assembly: Assembly, store: Reader, until: int | None = None) -> tuple[Fold, Router]:
    """The fold and the intakes as the store left them; new ones for an empty store."""
    fold, router, counts = Fold(assembly, until=until), assembly.router(), store.counts()
    for place, fleet in enumerate(fold.fleets):
        checkpoint, frontier = store.checkpoint(place), store.frontier(place)
        begun, of_type = 0 if checkpoint is None else checkpoint.tick, fleet.assembly.fleet
        begin = (begun - of_type.asynchronous) * of_type.tick  # some readings were used later than in their own tick
        store.check_recent(begun, begin, place)
        readings = list(store.accepted(begin, place))
        for reading in readings:
            router.remember(reading, place)
        for omission in store.decisions(place):
            fleet.obey(omission)
        fleet.earlier_ticks = 0 if (tally := store.tally(place)) is None else tally.ticks
        own = Counter({code: count for (of, code), count in counts.items() if of == place})
        fleet.resume(own, checkpoint, readings, store.latest(begun, place), frontier)
    fold.unroutable.update({code: count for (of, code), count in counts.items() if of == NO_TYPE})
    return fold, router
