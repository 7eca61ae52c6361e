"""The parts of FHIR's resources that a recording needs; whatever else they hold is passed over."""

import msgspec

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
LEFT_OUT = frozenset({"entered-in-error", "cancelled"})
"""The status of observations that tell nothing."""


class Entry(msgspec.Struct):
    """One entry of a bundle."""

    resource: msgspec.Raw = msgspec.Raw()


class Resource(msgspec.Struct):
    """Any resource; ``entry`` is that of bundles."""

    resourceType: str  # noqa: N815 the name in FHIR
    entry: list[Entry] = []


class Coding(msgspec.Struct):
    """A code of one system."""

    system: str = ""
    code: str = ""
    display: str = ""


class Concept(msgspec.Struct):
    """What is observed, in codes and in words."""

    coding: list[Coding] = []
    text: str = ""

    def name(self) -> str:
        """The code of LOINC, else the first code, else the words."""
        codes = [coding.code for coding in self.coding if coding.system == LOINC and coding.code]
        codes += [coding.code for coding in self.coding if coding.code]
        return (codes or [self.text or "unnamed"])[0]

    def title(self) -> str:
        """The words, else those of a code."""
        return self.text or next((coding.display for coding in self.coding if coding.display), "")


class Quantity(msgspec.Struct):
    """A number with a unit; a ``comparator`` such as ``<`` says that the number itself is not known."""

    value: float | None = None
    comparator: str = ""
    unit: str = ""
    system: str = ""
    code: str = ""

    def spelt(self) -> str:
        """Its unit: the code of UCUM, else as people read it."""
        return self.code if self.code and self.system in (UCUM, "") else self.unit or self.code


class SampledData(msgspec.Struct, rename="camel"):
    """A waveform: numbers in a text, spaced by ``period`` (ms; R4) or ``interval`` (R5), or at ``offsets`` (R5)."""

    origin: Quantity
    period: float | None = None
    interval: float | None = None
    interval_unit: str = "ms"
    factor: float = 1.0
    dimensions: int = 1
    data: str = ""
    offsets: str = ""


class Valued(msgspec.Struct, rename="camel"):
    """A code with at most one value: a component, or a whole observation."""

    code: Concept
    value_quantity: Quantity | None = None
    value_integer: int | None = None
    value_boolean: bool | None = None
    value_sampled_data: SampledData | None = None


class Reference(msgspec.Struct, frozen=True):
    """A link to another resource."""

    reference: str = ""
    display: str = ""


class Period(msgspec.Struct, frozen=True):
    """A span of time."""

    start: str = ""


class Observation(Valued, rename="camel"):
    """One observation; its components were taken at the same time."""

    id: str = ""
    status: str = ""
    subject: Reference = Reference()
    device: Reference = Reference()
    effective_date_time: str = ""
    effective_instant: str = ""
    effective_period: Period = Period()
    component: list[Valued] = []

    def time(self) -> str:
        """When it was observed; "" where it does not say."""
        return self.effective_date_time or self.effective_instant or self.effective_period.start
