"""Laws of fluxes between ports: through a resistance, through a valve, by conduction, by distribution, with blood."""

from twin_runtime.modelling.coupling import Law
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import LogNormal, Parameter


@physics
def through_resistance(upstream_pressure: float, downstream_pressure: float, resistance: float) -> float:
    """Poiseuille's flow: the difference of pressures by the resistance."""
    return (upstream_pressure - downstream_pressure) / resistance


@physics
def through_valve(upstream_pressure: float, downstream_pressure: float, resistance: float) -> float:
    """The same in one direction only."""
    return max(upstream_pressure - downstream_pressure, 0.0 * upstream_pressure) / resistance


@physics
def through_leaky_valve(upstream_pressure: float, downstream_pressure: float, resistance: float, shut: float) -> float:
    """Through a valve that is not quite tight: ``shut`` is its resistance backwards."""
    difference = upstream_pressure - downstream_pressure
    return difference / (resistance if difference > 0.0 * difference else shut)


@physics
def by_conduction(upstream_temperature: float, downstream_temperature: float, conductance: float) -> float:
    """Fourier's law between two bodies: the difference of temperatures times the conductance."""
    return conductance * (upstream_temperature - downstream_temperature)


@physics
def by_distribution(
    upstream_concentration: float, downstream_concentration: float, exchange: float, partition: float
) -> float:
    """A drug into a tissue, until the concentration there is ``partition`` times that outside."""
    return exchange * (upstream_concentration - downstream_concentration / partition)


@physics
def by_arterial_blood(upstream_leaving: float, downstream_blood_flow: float) -> float:
    """What blood brings to a tissue: as much blood as the tissue takes."""
    return downstream_blood_flow * upstream_leaving


@physics
def by_leaving_blood(upstream_leaving: float, upstream_leaving_flow: float) -> float:
    """What blood takes from a tissue: all of the blood that leaves it."""
    return upstream_leaving_flow * upstream_leaving


resistance = Law(through_resistance, "mL/s", (Parameter("resistance", "mmHg*s/mL", LogNormal(1.0, 0.5)),))
valve = Law(through_valve, "mL/s", (Parameter("resistance", "mmHg*s/mL", LogNormal(0.01, 0.5)),))
leaky_valve = Law(
    through_leaky_valve,
    "mL/s",
    (
        Parameter("resistance", "mmHg*s/mL", LogNormal(0.005, 0.2)),
        Parameter("shut", "mmHg*s/mL", LogNormal(50.0, 0.2)),
    ),
)
conduction = Law(by_conduction, "W", (Parameter("conductance", "W/K", LogNormal(10.0, 0.5)),))
distribution = Law(
    by_distribution,
    "mg/s",
    (Parameter("exchange", "L/s", LogNormal(1e-3, 1.0)), Parameter("partition", "1", LogNormal(1.0, 0.5))),
)
perfusion = Law(by_arterial_blood, "mg/s")
drainage = Law(by_leaving_blood, "mg/s")
