"""The pipe calibrated by one recorded run, and held against that run and others, as a free forecast.

Root mean square error of the outlet (K), the example as it is and calibrated by a run, on each of the four runs:

    calibrated by    150801   151202   151204   160104
    (nothing)         0.521    0.500    0.374    0.383
    150801            0.212    0.433    0.187    0.390
    151202            0.316    0.239    0.271    0.377
    151204            0.333    0.717    0.142    0.388

These are of 500 members drawn with seed 3. Other seeds change the errors by about 5 %; what 151202 gains on itself is
the least certain: its error falls to 0.48 to 0.58 of what it was. With 100 members the errors change by a third.

No run is explained to within the sensor's noise: the misfit stays at 2 to 9 a reading. What 151204 gives in 5 minutes
of the loss is next to nothing, and what it makes of the film does not hold for 151202.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.acceptance.deployments import EXAMPLES, Finder
from tests.models.test_pipe_recordings import recorded
from twin_adapters.recordings import load
from twin_runtime.calibration import Calibration, EsMda, calibrate, prior_ensemble, segment_of
from twin_runtime.calibration.configuration import calibrated
from twin_runtime.calibration.forward import independent_readings, predict
from twin_runtime.config import load as load_config
from twin_runtime.runs.assembly import Assembly, assemble

EXAMPLE = EXAMPLES / "pipe.toml"
MEMBERS, SEED = 500, 3


def run_of(assembly: Assembly, folder: Path, run: str) -> Calibration:
    segment = segment_of(assembly, load(EXAMPLES / f"pipe-{run}.recording.toml", folder))
    return calibrate(segment, EsMda(), members=MEMBERS, seed=SEED)


def free_forecast(assembly: Assembly, folder: Path, run: str) -> tuple[float, float]:
    """Root mean square error of the median outlet (K), and by what share the front's delay is wrong."""
    segment = segment_of(assembly, load(EXAMPLES / f"pipe-{run}.recording.toml", folder))
    model = assembly.types[0].fleet.model
    outlet = np.median(predict(segment, prior_ensemble(model, SEED, segment.twin, MEMBERS)), axis=0)
    rig = recorded(folder, run)
    error = float(np.sqrt(np.mean((independent_readings(segment).value - outlet) ** 2)))
    delay, measured = rig.delayed_mass(rig.seconds, outlet), rig.delayed_mass(rig.seconds, rig.outlet)
    return error, abs(delay / measured - 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("run", "held_out"), [("150801", ["151204"]), ("151202", ["150801", "151204"])])
def test_a_calibrated_pipe_forecasts_the_run_and_others_better(
    run: str, held_out: list[str], recording: Finder, tmp_path: Path
) -> None:
    folder = recording("pipe")
    before = assemble(load_config(EXAMPLE))
    found = run_of(before, folder, run)
    path = tmp_path / "calibrated.toml"
    path.write_text(calibrated(before.config.types[0], found.posteriors, [f"Calibrated by {run}."]))
    after = assemble(load_config(path))
    assert found.misfits[-1].of_mean < 0.2 * found.misfits[0].of_mean
    assert free_forecast(after, folder, run)[0] < 0.5 * free_forecast(before, folder, run)[0]
    for other in held_out:
        (error, delay), (old_error, old_delay) = (free_forecast(a, folder, other) for a in (after, before))
        assert error < 0.8 * old_error
        assert delay < old_delay


@pytest.mark.slow
def test_what_a_short_run_does_not_show_is_reported(recording: Finder) -> None:
    found = run_of(assemble(load_config(EXAMPLE)), recording("pipe"), "151204")
    assert any("loss_factor" in reported for reported in found.unidentifiable)
    assert found.by_sensor["outlet"].misfit > 2.0
