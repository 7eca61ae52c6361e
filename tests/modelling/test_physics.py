"""What a physics function refers to besides its arguments."""

import math

import twin_models
from twin_models import pipe_transport as transport
from twin_runtime.modelling.physics import called, constants, physics

HALF, PAIR = 0.5, (1.0, 2.0)


@physics
def inner(x: float) -> float:
    """It uses a constant of its own module and one of a library."""
    return HALF * x * math.pi


@physics
def outer(x: float) -> float:
    """It calls another one, and uses a tuple and a constant of another module by its module's name."""
    return inner(x) * PAIR[0] * transport.DENSITY


def test_constants_are_found_all_the_way_down() -> None:
    assert called([outer]) == [outer, inner]
    found = {constant.name: constant.value for constant in constants([outer])}
    assert found == {
        "HALF": "0.5",
        "math.pi": repr(math.pi),
        "PAIR": "(1.0, 2.0)",
        "transport.DENSITY": repr(transport.DENSITY),
    }


@physics
def distant(x: float) -> float:
    """It uses a constant of a module in a package, by the package's name."""
    return x * twin_models.pipe_transport.CONDUCTIVITY


def test_a_constant_of_a_module_in_a_package_is_found() -> None:
    value = repr(transport.CONDUCTIVITY)
    assert [(constant.name, constant.value) for constant in constants([distant])] == [
        ("twin_models.pipe_transport.CONDUCTIVITY", value)
    ]


def test_a_function_that_calls_itself_is_found_once() -> None:
    @physics
    def halved(x: float) -> float:
        return halved(0.5 * x) if x > 1.0 else x

    assert called([halved]) == [halved]


def test_an_enclosing_number_is_a_constant_too() -> None:
    factor = 3.0

    @physics
    def scaled(x: float) -> float:
        return factor * x

    assert [(constant.name, constant.value) for constant in constants([scaled])] == [("factor", "3.0")]
