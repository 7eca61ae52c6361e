"""Co-simulation FMUs of FMI 2 and 3 as models of twins, by fmpy."""

from twin_adapters.fmu.contents import contents
from twin_adapters.fmu.read import model

__all__ = ["contents", "model"]
