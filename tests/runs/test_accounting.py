import numpy as np

from twin_runtime.core import FleetState
from twin_runtime.runs.accounting import state_hash


def test_states_of_the_same_numbers_in_other_shapes_have_other_hashes() -> None:
    memory, lagged = np.zeros((2, 3)), np.zeros((2, 4, 0))
    states = [FleetState(np.arange(24.0).reshape(shape), memory, lagged) for shape in ((2, 4, 3), (2, 3, 4), (1, 4, 6))]
    moved = [FleetState(states[0].x, np.zeros(shape), lagged) for shape in ((3, 2), (1, 6))]
    assert len({state_hash(7, state) for state in (*states, *moved)}) == 5
    again = FleetState(states[0].x.copy(), memory.copy(), lagged.copy())
    assert state_hash(7, states[0]) == state_hash(7, again)
