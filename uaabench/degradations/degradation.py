"""A degradation: corruptions that the sources of a data set get, one after another, before they are fused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from uaabench.core.errors import UsageError, unknown_name
from uaabench.core.interface import Sources
from uaabench.degradations.catalogue import CORRUPTIONS, SOURCE_NAMES, Corruption, Source
from uaabench.degradations.draws import Draws


@dataclass(frozen=True)
class Step:
    """One corruption, as it was asked for.

    Attributes:
        corruption: What is done.
        sources: To which sources.
        strength: How strong; 0 for a corruption without strengths.
    """

    corruption: Corruption
    sources: tuple[Source, ...]
    strength: int

    @property
    def kind(self) -> str:
        """Corruption and source, without the strength: `noise`, `ir.noise`."""
        prefix = "" if self.sources == self.corruption.sources else f"{self.sources[0]}."
        return f"{prefix}{self.corruption.name}"

    def written(self, sign: str) -> str:
        """With its strength behind a sign: `ir.noise:3`."""
        return f"{self.kind}{sign}{self.strength}{self.corruption.unit}" if self.corruption.strengths else self.kind


@dataclass(frozen=True)
class Degradation:
    """What is done to the sources of a data set before they are fused.

    Attributes:
        steps: The corruptions, in the order in which they are done.
        seed: Seed of its random numbers.
    """

    steps: tuple[Step, ...]
    seed: int = 0

    @property
    def text(self) -> str:
        """As it is written on the command line: `vi.noise:1+ir.blur:2`."""
        return "+".join(step.written(":") for step in self.steps)

    @property
    def name(self) -> str:
        """As it stands in names of sections and folders: `vi.noise-1+ir.blur-2`."""
        return "+".join(step.written("-") for step in self.steps)

    @property
    def kind(self) -> str:
        """Its corruptions without their strengths, over which a report takes the mean: `vi.noise+ir.blur`."""
        return "+".join(step.kind for step in self.steps)

    @property
    def key(self) -> dict[str, Any]:
        """Everything its images depend on beside the sources, as JSON values."""
        steps = [
            {
                "corruption": step.corruption.name,
                "version": step.corruption.version,
                "sources": list(step.sources),
                "strength": step.strength,
            }
            for step in self.steps
        ]
        return {"steps": steps, "seed": self.seed}

    def apply(self, sources: Sources, dataset: str, pair: str) -> Sources:
        """Degrade the sources of a pair; the same ones give the same images on any machine.

        The random numbers of a corruption do not depend on its strength, so that its strengths differ in nothing else;
        a shift alone has a direction of its own for each distance.

        Args:
            sources: The images of the pair.
            dataset: Name of the adapter of its data set.
            pair: Its id.
        """
        images = {"ir": sources.ir, "vi": sources.vi}
        for step in self.steps:
            for source in step.sources:
                draws = Draws(dataset, pair, source, step.corruption.name, self.seed)
                images[source] = step.corruption.apply(images[source], step.strength, draws)
        return Sources(images["ir"], images["vi"])


def parse(text: str, seed: int = 0) -> Degradation:
    """Read `noise:3`, `ir.noise:3`, `drop-ir` or, of several one after another, `vi.noise:1+ir.blur:2`.

    Raises:
        UsageError: There is no such corruption or strength, or it makes no sense for that source.

    Example:
        >>> parse("ir.stripe:2+vi.noise:1").name
        'stripe-2+vi.noise-1'
    """
    steps = tuple(_step(part.strip(), text) for part in text.split("+"))
    kinds = [step.kind for step in steps]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise UsageError(f"The degradation '{text}' has '{kind}' twice; name each corruption once.")
    return Degradation(steps, seed)


def parse_all(texts: Iterable[str], seed: int = 0) -> tuple[Degradation, ...]:
    """Read several degradations, each of which becomes a version of every data set.

    Raises:
        UsageError: One cannot be read, or two are the same.
    """
    found: dict[str, Degradation] = {}
    for text in texts:
        degradation = parse(text, seed)
        if degradation.name in found:
            raise UsageError(f"The degradation '{degradation.text}' is named twice; name it once.")
        found[degradation.name] = degradation
    return tuple(found.values())


def _step(part: str, text: str) -> Step:
    named, colon, strength = part.partition(":")
    prefix, dot, rest = named.partition(".")
    name = rest if dot else named
    sources = _sources(prefix, part) if dot else None
    if name not in CORRUPTIONS:
        raise unknown_name("corruption", name, CORRUPTIONS) if name else _nothing(text)
    corruption = CORRUPTIONS[name]
    for source in sources or ():
        if source not in corruption.sources:
            raise UsageError(f"'{part}' makes no sense for the {SOURCE_NAMES[source]} image: {corruption.refusal}.")
    return Step(corruption, sources or corruption.sources, _strength(corruption, strength if colon else None, part))


def _sources(prefix: str, part: str) -> tuple[Source, ...]:
    for source, title in SOURCE_NAMES.items():
        if prefix == source:
            return (source,)
        if prefix == title:
            raise UsageError(f"'{part}' names no source; write {source}.{part.partition('.')[2]}.")
    raise UsageError(f"'{part}' names no source; write ir. for infrared, vi. for visible, or neither for both.")


def _nothing(text: str) -> UsageError:
    return UsageError(f"'{text}' is no degradation; write for example noise:3, ir.noise:3 or vi.noise:1+ir.blur:2.")


def _strength(corruption: Corruption, given: str | None, part: str) -> int:
    if corruption.strengths is None:
        if given is not None:
            raise UsageError(f"'{part}' has a strength, but '{corruption.name}' has none; write {corruption.usage}.")
        return 0
    first, last = corruption.strengths
    number = re.fullmatch(rf"(0|[1-9]\d{{0,3}}){corruption.unit}", given or "", re.ASCII)
    if number is None or not first <= int(number[1]) <= last:
        raise UsageError(f"'{part}' has no strength that '{corruption.name}' knows; write {corruption.usage}.")
    return int(number[1])
