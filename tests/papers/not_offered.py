"""Why some published rows are not run."""

BASELINE = "a baseline without an ensemble, for comparison"
EXTENDED = "the extended Kalman filter needs the model's derivatives"
WINDOW = "iterates over a window of the past: no filter for a live stream"
VARIANT = "a variant of the serial EnKF that is not offered"
PROPOSAL = "particles from an EnKF's proposal are not offered"
NO_NUMBER = "no number is given"
