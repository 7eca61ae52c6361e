# Numba ships no types. With these, a compiled function keeps the signature it was written with; the rest stays Any.
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

class Dispatcher(Generic[P, R_co]):
    py_func: Callable[P, R_co]
    signatures: list[Any]
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    def compile(self, signature: Any) -> Any: ...

@overload
def njit(function: Callable[P, R_co], /) -> Dispatcher[P, R_co]: ...
@overload
def njit(signature: Any = ..., /, **options: Any) -> Callable[[Callable[P, R_co]], Dispatcher[P, R_co]]: ...

prange = range

def __getattr__(name: str) -> Any: ...
