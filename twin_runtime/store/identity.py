"""What a store belongs to: the meaning of its numbers, and the configuration and model that made them."""

from dataclasses import dataclass, fields

from twin_runtime.core import Quantity
from twin_runtime.errors import StoreError


@dataclass(frozen=True, slots=True)
class Identity:
    """Names behind the rows, columns and bits of a store, and hashes of what computed them.

    ``twins[row]``, ``channels[channel]``, ``quantities[column of figures]``, ``checks[bit of reasons]``; ``tick`` in
    nanoseconds. The first ``sensors`` of the channels are sensors.
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

    def reasons(self, bits: int) -> tuple[str, ...]:
        """The names of the checks whose bits are set."""
        return tuple(check for bit, check in enumerate(self.checks) if bits >> bit & 1)


def require_same(stored: Identity, given: Identity, where: str) -> None:
    """Raise :class:`StoreError`, naming every difference, unless the two are one."""
    names = (field.name for field in fields(Identity))
    differences = [
        f"{name} {_short(getattr(stored, name))} in the store, {_short(getattr(given, name))} now"
        for name in names
        if getattr(stored, name) != getattr(given, name)
    ]
    if differences:
        raise StoreError(
            f"was written by another configuration or model: {'; '.join(differences)}",
            where=where,
            remedy="name another file under [store] path, or go back to what wrote this one",
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
