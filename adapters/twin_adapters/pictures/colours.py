"""Colours that the colour-blind can tell apart (Okabe & Ito 2008, Color Universal Design), each with a second mark."""

from twin_runtime.core import Trust

MEASURED, HIDDEN, READING, REFUSED, TRUTH = "#0072B2", "#8A5A9E", "#1A1A1A", "#D55E00", "#009E73"
TRUST = {
    Trust.TRUSTED: ("#B8E0D2", ""),
    Trust.DEGRADED: ("#F5C26B", "////"),
    Trust.UNTRUSTED: ("#D98A66", "xxxx"),
}
"""Face and hatching of a verdict: told apart without any colour."""
