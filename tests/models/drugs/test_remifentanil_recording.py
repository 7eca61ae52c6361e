"""Forecasts of the concentrations of 45 real patients, each from its first five samples."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twin_adapters.recordings import load as load_recording
from twin_runtime.config import load
from twin_runtime.runs.assembly import assemble
from twin_runtime.runs.validation import validate

EXAMPLES = Path(__file__).resolve().parents[3] / "deploy" / "examples"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_samples_forecast_the_rest_better_than_the_population(recording: Callable[[str], Path]) -> None:
    played = load_recording(EXAMPLES / "remifentanil.recording.toml", recording("remifentanil"))
    found = validate(assemble(load(EXAMPLES / "remifentanil.toml")), played, first=5)
    [score] = next(iter(found.types.values())).sensors.values()
    assert score.readings == 1571 - 5 * 45
    assert score.coverage_90 is not None
    assert score.crps is not None
    assert score.prior_crps is not None
    assert 0.85 <= score.coverage_90[0] <= 0.95
    assert score.crps < score.prior_crps  # of logarithms
