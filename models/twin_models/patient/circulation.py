"""The closed loop of the blood: four chambers, four valves, systemic and pulmonary arteries and veins.

Regazzoni et al. 2022, A cardiac electromechanical model coupled with a lumped-parameter model for closed-loop blood
circulation, J Comput Phys 457:111083, equation 5, with the parameters of its published example in svZeroDSolver
(closed_loop_two_hill). The unstressed volumes of the vessels, which no pressure shows, are those of Ursino 1998 (Am J
Physiol 275:H1733, table 1), splanchnic and extrasplanchnic together.
"""

from twin_models.fluxes import leaky_valve
from twin_models.patient.chamber import Chamber, chamber_table
from twin_models.patient.rhythm import Rhythm
from twin_models.patient.segment import Segment, segment_table
from twin_runtime.modelling.coupling import Coupled, Flux, Signal
from twin_runtime.modelling.variables import LogNormal, Normal


class LeftAtrium(Chamber):
    """The chamber before the mitral valve."""

    table = chamber_table(Normal(50.0, 10.0), 0.153387, 0.199967, LogNormal(4.0, 0.3))


class LeftVentricle(Chamber):
    """The chamber before the aortic valve."""

    table = chamber_table(Normal(110.0, 15.0), 0.094548, 2.5043, LogNormal(1.976306, 0.3))


class RightAtrium(Chamber):
    """The chamber before the tricuspid valve."""

    table = chamber_table(Normal(80.0, 15.0), 0.036995, 0.06, LogNormal(4.0, 0.3))


class RightVentricle(Chamber):
    """The chamber before the pulmonary valve."""

    table = chamber_table(Normal(130.0, 15.0), 0.040555, 0.492939, LogNormal(54.316345, 0.1))


class Arteries(Segment):
    """The systemic arteries, with the resistance of the arterioles."""

    table = segment_table(stressed=75.0, compliance=0.924756, resistance=0.676702, inertance=0.005)


class Veins(Segment):
    """The systemic veins, with what capillaries hold."""

    table = segment_table(600.0, 60.0, 0.063807, 0.0005, unstressed=3107.0)


class PulmonaryArteries(Segment):
    """The arteries of the lungs."""

    table = segment_table(180.0, 10.0, 0.032, 0.0005)


class PulmonaryVeins(Segment):
    """The capillaries and veins of the lungs."""

    table = segment_table(190.0, 16.0, 0.035, 0.0005, unstressed=243.0)


def joined(upstream: str, downstream: str, inlet: str = "wall") -> tuple[Flux, Signal]:
    """What leads the flow of a segment into the next part, and tells the segment the pressure there."""
    return (
        Flux(f"{upstream}_to_{downstream}", f"{upstream}.outlet", f"{downstream}.{inlet}", carries=f"{upstream}.flow"),
        Signal(f"{downstream}.pressure", f"{upstream}.distal_pressure"),
    )


class Circulation(Coupled):
    """Heart and vessels, driven by R peaks or by the heart's own rhythm."""

    name = "circulation"
    parts = {
        "rhythm": Rhythm,
        "left_atrium": LeftAtrium,
        "left_ventricle": LeftVentricle,
        "arteries": Arteries,
        "veins": Veins,
        "right_atrium": RightAtrium,
        "right_ventricle": RightVentricle,
        "pulmonary_arteries": PulmonaryArteries,
        "pulmonary_veins": PulmonaryVeins,
    }
    links = (
        Signal("r_peak", "rhythm.r_peak"),
        Signal("rhythm.atrial", "left_atrium.activation"),
        Signal("rhythm.atrial", "right_atrium.activation"),
        Signal("rhythm.ventricular", "left_ventricle.activation"),
        Signal("rhythm.ventricular", "right_ventricle.activation"),
        leaky_valve.flux("mitral_valve", "left_atrium.wall", "left_ventricle.wall"),
        leaky_valve.flux("aortic_valve", "left_ventricle.wall", "arteries.inlet"),
        leaky_valve.flux("tricuspid_valve", "right_atrium.wall", "right_ventricle.wall"),
        leaky_valve.flux("pulmonary_valve", "right_ventricle.wall", "pulmonary_arteries.inlet"),
        *joined("arteries", "veins", "inlet"),
        *joined("veins", "right_atrium"),
        *joined("pulmonary_arteries", "pulmonary_veins", "inlet"),
        *joined("pulmonary_veins", "left_atrium"),
    )
