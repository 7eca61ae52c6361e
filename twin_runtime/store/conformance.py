"""What a sink must do, as tests to subclass: offered as ``twin_runtime.testing.SinkTests``."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from twin_runtime.core import FIGURES, SECOND, FloatArray, Quantity, Sink, Standing, StoredEstimate, Trust
from twin_runtime.errors import ConnectionFailed
from twin_runtime.store.identity import Identity, TypeIdentity

WARD = TypeIdentity(
    name="ward",
    twins=("patient-1", "patient 2, left"),
    channels=("abp",),
    quantities=(Quantity("pressure", "mmHg"), Quantity("resistance", "mmHg*s/mL")),
    checks=("age", "bias"),
    tick=SECOND,
    config_hash="c0ffee",
    model_hash="5eed",
    clock="stream",
    validity=5 * SECOND,
)
PLANT = TypeIdentity(
    name="pump",
    twins=("pump-1",),
    channels=("flow",),
    quantities=(Quantity("flow", "kg/s"), Quantity("speed", "1/min"), Quantity("power", "kW")),
    checks=("age", "bias"),
    tick=SECOND,
    config_hash="facade",
    model_hash="5eed2",
    clock="stream",
    validity=60 * SECOND,
)
SINK_IDENTITY = Identity("ward", (WARD, PLANT))
"""The deployment whose estimates :class:`SinkTests` sends: two types of twins, with different quantities."""


def some_estimates(count: int, revision: int = 0) -> list[StoredEstimate]:
    """Estimates of all twins of :data:`SINK_IDENTITY`, a second apart, each with figures of its own."""
    rng = np.random.default_rng(revision)
    twins = [(place, twin) for place, twin_type in enumerate(SINK_IDENTITY.types) for twin in twin_type.twins]
    return [
        StoredEstimate(
            position=(revision * count + second) * len(twins) + k,
            tick=second,
            time=(1_600_000_000 + second) * SECOND,
            twin=twin,
            revision=revision,
            trust=Trust((second + k) % 3),
            reasons=SINK_IDENTITY.types[place].reasons((second + k) % 4),
            figures=_figures(len(SINK_IDENTITY.types[place].quantities), rng),
            standing=tuple(Standing((second + q) % 4) for q in range(len(SINK_IDENTITY.types[place].quantities))),
            type=place,
            valid_until=(1_600_000_000 + second) * SECOND + SINK_IDENTITY.types[place].validity,
        )
        for second in range(count)
        for k, (place, twin) in enumerate(twins)
    ]


def _figures(quantities: int, rng: np.random.Generator) -> FloatArray:
    magnitudes = 10.0 ** (np.arange(quantities * len(FIGURES)) % 10 - 4).reshape(quantities, len(FIGURES))
    figures: FloatArray = magnitudes * rng.normal(1.0, 0.1, magnitudes.shape)
    return figures


class SinkTests(ABC):
    """What every sink must do; subclass it, give a sink to each far end, and let pytest collect the subclass.

    The tests are coroutines: they need pytest-asyncio in its mode ``auto``.
    """

    precision = 0.0
    """How far, relatively, a figure may be from what was sent: 0 for a far end that keeps every bit."""

    @abstractmethod
    def sink(self) -> Sink:
        """A new sink for the estimates of :data:`SINK_IDENTITY`, at a far end that holds none before the test."""

    @abstractmethod
    def unreachable(self) -> Sink:
        """A sink whose far end is not there."""

    @abstractmethod
    async def arrived(self) -> Mapping[tuple[str, int], FloatArray]:
        """The figures that the far end holds now by twin and valid time, NaN where it holds none."""

    async def test_what_is_sent_arrives_unchanged(self) -> None:
        estimates = some_estimates(20)
        async with self.sink() as sink:
            await sink.send(estimates)
        await self.holds(estimates)

    async def test_sending_twice_is_harmless(self) -> None:
        estimates = some_estimates(5)
        async with self.sink() as sink:
            await sink.send(estimates)
            await sink.send(estimates[-3:])
        await self.holds(estimates)

    async def test_a_sink_can_be_entered_again(self) -> None:
        estimates = some_estimates(4)
        sink = self.sink()
        for part in (estimates[:3], estimates[3:]):
            async with sink:
                await sink.send(part)
        await self.holds(estimates)

    async def test_figures_that_are_not_finite_do_not_stop_the_others(self) -> None:
        estimates = some_estimates(3)
        estimates[0].figures[0, 1] = np.nan
        estimates[1].figures[1, :] = (np.inf, -np.inf, np.nan, 1.0, 2.0)
        async with self.sink() as sink:
            await sink.send(estimates)
        await self.holds(estimates)

    async def test_there_may_be_nothing_to_send(self) -> None:
        async with self.sink() as sink:
            await sink.send([])
        await self.holds([])

    async def test_a_far_end_that_is_not_there_is_reported(self) -> None:
        failed: ConnectionFailed | None = None
        try:
            async with self.unreachable() as sink:
                await sink.send(some_estimates(1))
        except ConnectionFailed as error:
            failed = error
        assert failed is not None, "estimates went nowhere, and no error was raised"
        assert failed.where
        assert failed.remedy

    async def holds(self, estimates: Sequence[StoredEstimate]) -> None:
        """Assert that the far end holds these and no others."""
        held = await self.arrived()
        assert held.keys() == {(estimate.twin, estimate.time) for estimate in estimates}
        for estimate in estimates:
            finite = np.where(np.isfinite(estimate.figures), estimate.figures, np.nan)
            np.testing.assert_allclose(held[estimate.twin, estimate.time], finite, rtol=self.precision, atol=0.0)
