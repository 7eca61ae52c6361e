"""The drawing of a coupled model."""

from tests.modelling.coupling.parts import TwoVessels, Ward
from twin_runtime.modelling.coupling import mermaid


def test_a_flux_is_a_thick_arrow_between_two_parts() -> None:
    assert mermaid(TwoVessels()) == (
        "flowchart LR\n"
        '    left["left: vessel<br/>pressure (mmHg)<br/>step 0.01 s"]\n'
        '    right["right: vessel<br/>pressure (mmHg)<br/>step 0.01 s"]\n'
        '    left == "tube (mL/s)" ==> right\n'
    )


def test_a_whole_in_a_whole_is_a_box_around_its_parts() -> None:
    drawn = mermaid(Ward()).splitlines()
    assert '    subgraph one["one: circuit"]' in drawn
    assert '        one__pump["pump: pump<br/>force (1)<br/>step 0.02 s"]' in drawn
    assert '    one__pump -- "flow (L/min)" --> one__chamber' in drawn
    assert '    drive -- "(1)" --> two__pump' in drawn
    assert '    one__pump__push -- "(1)" --> one__pump' in drawn
