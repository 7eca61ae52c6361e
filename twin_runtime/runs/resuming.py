"""The parts of a run as the store of an earlier part left them."""

from collections import Counter
from collections.abc import Sequence

from twin_runtime.core import Checkpoint
from twin_runtime.ingest.router import NO_TYPE, Router
from twin_runtime.runs.assembly import Assembly, TypeAssembly
from twin_runtime.runs.fold import Fold
from twin_runtime.store.reader import Reader


def resume(assembly: Assembly, store: Reader, until: int | None = None) -> tuple[Fold, Router]:
    """The fold and the intakes as the newest chapter of the store left them; new ones for an empty store."""
    fold, router, counts = Fold(assembly, until=until), assembly.router(), store.counts()
    for place, fleet in enumerate(fold.fleets):
        origin = store.origin(place)
        checkpoint, frontier = store.checkpoint(place) or origin, store.reached(place)
        begun, of_type = 0 if checkpoint is None else checkpoint.tick, fleet.assembly.fleet
        begin = (begun - of_type.asynchronous) * of_type.tick  # some readings were used later than in their own tick
        store.check_recent(begun, begin, place)
        if origin is not None and begun == origin.tick:
            _remember_earlier(assembly.types[place], store, begin, router)
        readings = list(store.accepted(begin, place))
        for reading in readings:
            router.remember(reading, place)
        for omission in store.decisions(place):
            fleet.obey(omission)
        fleet.earlier_ticks = 0 if (tally := store.tally(place)) is None else tally.ticks
        own = Counter({code: count for (of, code), count in counts.items() if of == place})
        fleet.resume(own, checkpoint, readings, store.latest(begun, place), frontier)
        fleet.timeline.begins = 0 if origin is None else origin.tick
    fold.unroutable.update({code: count for (of, code), count in counts.items() if of == NO_TYPE})
    return fold, router


def at_origins(fold: Fold, origins: Sequence[Checkpoint | None]) -> Fold:
    """A new fold that begins with the states with which its chapter began."""
    for fleet, origin in zip(fold.fleets, origins, strict=True):
        if origin is not None:
            fleet.resume({}, origin, (), (), origin.tick)
            fleet.timeline.begins = origin.tick
    return fold


def _remember_earlier(of: TypeAssembly, store: Reader, begin: int, router: Router) -> None:
    """What came at the end of the chapter before is known by its numbers and times, should it come again."""
    with Reader.open(store.path, chapter=store.chapter.number - 1) as before:
        for place, known in enumerate(before.identity.types):
            for reading in before.accepted(begin - of.config.twin.lateness, place):
                twin, channel = known.twins[reading.twin], known.channels[reading.channel]
                if twin in of.identity.twins and channel in of.identity.channels:
                    at = of.identity.twins.index(twin), of.identity.channels.index(channel)
                    router.remember(reading._replace(twin=at[0], channel=at[1]), of.place)
