"""FMUs that tests build from ``tank.c`` with the C compiler of this machine, in a folder of their own."""

import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDS_COMPILER = pytest.mark.skipif(
    shutil.which("gcc") is None or sys.platform != "linux" or platform.machine() != "x86_64",
    reason="builds FMUs with gcc for x86_64 Linux",
)
SOURCE = Path(__file__).with_name("tank.c")
BINARY = {2: "binaries/linux64/tank.so", 3: "binaries/x86_64-linux/tank.so"}

VARIABLES = (  # name, reference, causality, variability, initial, unit, start
    ("level", 0, "output", "continuous", "exact", "m", "1.0"),
    ("filtered", 1, "output", "continuous", "exact", "m", "1.0"),
    ("area", 2, "parameter", "fixed", "exact", "m2", "2.0"),
    ("conductance", 3, "parameter", "tunable", "exact", "m2/s", "0.5"),
    ("lag", 4, "parameter", "fixed", "exact", "s", "3.0"),
    ("inflow", 5, "input", "continuous", None, "m3/s", "0.0"),
    ("outflow", 6, "output", "continuous", "calculated", "m3/s", None),
    ("volume", 7, "local", "continuous", "calculated", "m3", None),
    ("fails_at", 8, "parameter", "fixed", "exact", "s", "1e300"),
    ("breaks_at", 9, "parameter", "fixed", "exact", "s", "1e300"),
)
RATES = (("der(level)", 20, "level"), ("der(filtered)", 21, "filtered"))
UNITS = {
    "m": {"m": 1},
    "m2": {"m": 2},
    "m2/s": {"m": 2, "s": -1},
    "m3": {"m": 3},
    "m3/s": {"m": 3, "s": -1},
    "s": {"s": 1},
}


@dataclass(frozen=True)
class Tank:
    """What is to be built: the version of FMI, which states are listed, whether the state can be saved."""

    version: int = 2
    states: Sequence[str] = ("level", "filtered")
    hides: Sequence[str] = ()
    saves: bool = False
    kind: str = "CoSimulation"
    any_step: bool = True
    changes: Sequence[tuple[str, str]] = ()

    def build(self, folder: Path) -> Path:
        """Compile it and pack it."""
        library, path = folder / "tank.so", folder / "tank.fmu"
        flags = ["-DSAVES"] if self.saves else []
        command = ["gcc", "-shared", "-fPIC", "-O1", "-w", f"-DFMI={self.version}", *flags, str(SOURCE)]
        subprocess.run([*command, "-lm", "-o", str(library)], check=True)
        text = (self._two if self.version == 2 else self._three)()
        for old, new in self.changes:
            assert old in text
            text = text.replace(old, new)
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("modelDescription.xml", text)
            packed.write(library, BINARY[self.version])
        return path

    def _shown(self) -> list[tuple[str, int, str, str, str | None, str, str | None]]:
        return [row for row in VARIABLES if row[0] not in self.hides]

    def _flags(self) -> str:
        words = {True: "true", False: "false"}
        state = "FMUstate" if self.version == 2 else "FMUState"
        return (
            f'<{self.kind} modelIdentifier="tank" canHandleVariableCommunicationStepSize="{words[self.any_step]}" '
            f'canGetAndSet{state}="{words[self.saves]}" canSerialize{state}="{words[self.saves]}"/>'
        ).replace('canHandleVariableCommunicationStepSize="true" ' if self.kind == "ModelExchange" else "\0", "")

    def _units(self) -> str:
        rows = (
            f'<Unit name="{name}"><BaseUnit {" ".join(f"{k}={chr(34)}{v}{chr(34)}" for k, v in base.items())}/></Unit>'
            for name, base in UNITS.items()
        )
        return f"<UnitDefinitions>{''.join(rows)}</UnitDefinitions>"

    def _two(self) -> str:
        rows, places = list[str](), dict[str, int]()
        for name, reference, causality, variability, initial, unit, start in self._shown():
            places[name] = len(rows) + 1
            first = f' initial="{initial}"' if initial else ""
            value = f' start="{start}"' if start else ""
            rows.append(
                f'<ScalarVariable name="{name}" valueReference="{reference}" causality="{causality}" '
                f'variability="{variability}"{first}><Real unit="{unit}"{value}/></ScalarVariable>'
            )
        rows.append(
            '<ScalarVariable name="mode" valueReference="30" causality="parameter" variability="fixed" '
            'initial="exact"><Integer start="1"/></ScalarVariable>'
        )
        rates = [(name, reference, of) for name, reference, of in RATES if of in self.states]
        for name, reference, of in rates:
            places[name] = len(rows) + 1
            rows.append(
                f'<ScalarVariable name="{name}" valueReference="{reference}" causality="local" '
                f'variability="continuous" initial="calculated"><Real derivative="{places[of]}"/></ScalarVariable>'
            )
        outputs = [places[row[0]] for row in self._shown() if row[2] == "output"]
        derivatives = "".join(f'<Unknown index="{places[name]}"/>' for name, _, _ in rates)
        structure = "<Outputs>" + "".join(f'<Unknown index="{place}"/>' for place in outputs) + "</Outputs>"
        structure += f"<Derivatives>{derivatives}</Derivatives>" if rates else ""
        unknown = [*(places[name] for name, _, _ in rates), places["outflow"]]
        initial_unknowns = "".join(f'<Unknown index="{place}"/>' for place in sorted(unknown))
        structure += f"<InitialUnknowns>{initial_unknowns}</InitialUnknowns>"
        return (
            '<?xml version="1.0" encoding="UTF-8"?><fmiModelDescription fmiVersion="2.0" modelName="tank" guid="{1}" '
            f'generationTool="tests">{self._flags()}{self._units()}'
            f"<ModelVariables>{''.join(rows)}</ModelVariables><ModelStructure>{structure}</ModelStructure>"
            "</fmiModelDescription>"
        )

    def _three(self) -> str:
        rows = [
            '<Float64 name="time" valueReference="40" causality="independent" variability="continuous"/>',
        ]
        for name, reference, causality, variability, initial, unit, start in self._shown():
            first = f' initial="{initial}"' if initial else ""
            value = f' start="{start}"' if start else ""
            rows.append(
                f'<Float64 name="{name}" valueReference="{reference}" causality="{causality}" '
                f'variability="{variability}"{first} unit="{unit}"{value}/>'
            )
        rows.append(
            '<Int32 name="mode" valueReference="30" causality="parameter" variability="fixed" initial="exact" '
            'start="1"/>'
        )
        rates = [(name, reference, of) for name, reference, of in RATES if of in self.states]
        by_name = {row[0]: row[1] for row in VARIABLES}
        rows += [
            f'<Float64 name="{name}" valueReference="{reference}" causality="local" variability="continuous" '
            f'initial="calculated" derivative="{by_name[of]}"/>'
            for name, reference, of in rates
        ]
        structure = "".join(f'<Output valueReference="{row[1]}"/>' for row in self._shown() if row[2] == "output")
        structure += "".join(f'<ContinuousStateDerivative valueReference="{reference}"/>' for _, reference, _ in rates)
        structure += "".join(
            f'<InitialUnknown valueReference="{reference}"/>' for reference in (6, *(r for _, r, _ in rates))
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?><fmiModelDescription fmiVersion="3.0" modelName="tank" '
            f'instantiationToken="{{1}}" generationTool="tests">{self._flags()}{self._units()}'
            f"<ModelVariables>{''.join(rows)}</ModelVariables><ModelStructure>{structure}</ModelStructure>"
            "</fmiModelDescription>"
        )
