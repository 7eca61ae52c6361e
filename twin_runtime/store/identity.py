"""What a store belongs to: the meaning of its numbers, and the configuration and models that made them."""

from dataclasses import dataclass, fields
from typing import Literal

from twin_runtime.core import Quantity
from twin_runtime.errors import StoreError

CHANGEABLE = ("twins", "clock", "validity", "observes")
"""What may differ between two runs of one store."""


@dataclass(frozen=True, slots=True)
class TypeIdentity:
    """Names behind the rows, columns and bits of one twin type, and hashes of what computed them.

    ``twins[row]``, ``channels[channel]``, ``quantities[column of figures]``, ``checks[bit of reasons]``; ``tick`` and
    ``validity`` (how long a verdict counts after its valid time) in nanoseconds. The first ``sensors`` of the channels
    are sensors. On the clock "wall" event time is the time of this world, on "stream" it is the recording's own.
    ``observes[channel]`` is the quantity that a sensor observes, or the model's input that a channel drives.
    """

    name: str
    twins: tuple[str, ...]
    channels: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    checks: tuple[str, ...]
    tick: int
    config_hash: str
    model_hash: str
    sensors: int = 0
    clock: Literal["wall", "stream"] = "wall"
    validity: int = 0
    observes: tuple[str, ...] = ()

    @property
    def sensed(self) -> dict[str, str]:
        """The quantity of every sensor by its name."""
        return dict(zip(self.channels[: self.sensors], self.observes, strict=False))

    def reasons(self, bits: int) -> tuple[str, ...]:
        """The names of the checks whose bits are set."""
        return tuple(check for bit, check in enumerate(self.checks) if bits >> bit & 1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A deployment by its name and its twin types.

    ``types`` are all of which there may be estimates, by their numbers; the first so many (``earlier``) are those of
    chapters that have ended, the others are ``current``.
    """

    name: str
    types: tuple[TypeIdentity, ...]
    earlier: int = 0

    @property
    def current(self) -> tuple[TypeIdentity, ...]:
        """The types that run."""
        return self.types[self.earlier :]

    @property
    def twins(self) -> tuple[str, ...]:
        """The names of all twins that there are, type by type."""
        return tuple(twin for twin_type in self.current for twin in twin_type.twins)

    def type_of(self, twin: str) -> TypeIdentity:
        """The type of a twin; raises ``KeyError`` if there is no such twin."""
        for twin_type in self.current:
            if twin in twin_type.twins:
                return twin_type
        raise KeyError(twin)


def require_same(stored: Identity, given: Identity, where: str) -> None:
    """Raise :class:`StoreError`, naming every difference, unless the two differ in what may change only."""
    found = differences(stored, given)
    if found:
        raise StoreError(
            f"was written by another configuration or model: {'; '.join(found)}",
            where=where,
            remedy="name another file under [store] path, or go back to what wrote this one",
        )


def differences(stored: Identity, given: Identity) -> list[str]:
    """In what two identities differ that must be the same within a chapter."""
    found = _different("name", stored.name, given.name)
    if len(stored.types) == len(given.types):
        for pair in zip(stored.types, given.types, strict=True):
            found += _differences(*pair, several=len(given.types) > 1)
    else:
        names = ([twin_type.name for twin_type in identity.types] for identity in (stored, given))
        found += _different("types", *names)
    return found


def _differences(stored: TypeIdentity, given: TypeIdentity, *, several: bool) -> list[str]:
    names = [field.name for field in fields(TypeIdentity) if field.name not in CHANGEABLE]
    prefix = f"{given.name}." if several else ""
    return [
        difference
        for name in names
        for difference in _different(f"{prefix}{name}", getattr(stored, name), getattr(given, name))
    ]


def _different(name: str, stored: object, given: object) -> list[str]:
    return [] if stored == given else [f"{name} {_short(stored)} in the store, {_short(given)} now"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
