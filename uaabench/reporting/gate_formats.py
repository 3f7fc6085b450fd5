"""What the gate found, for machines: JSON, JUnit XML and annotations of GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from uaabench.reporting.gate import Change


def as_json(found: Sequence[Change], notes: Sequence[str]) -> str:
    """JSON object: whether the gate passed, every change, and remarks; `schema` is raised when an entry changes."""
    content = {
        "schema": 1,
        "passed": not any(change.fails for change in found),
        "changes": [asdict(change) for change in found],
        "remarks": list(notes),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(found: Sequence[Change]) -> str:
    """JUnit XML: a test case for each metric of each method and data set, failed where the gate fails."""
    from xml.etree import ElementTree

    failures = sum(change.fails for change in found)
    suite = ElementTree.Element(
        "testsuite", name="uaabench check", tests=str(len(found)), failures=str(failures), errors="0"
    )
    for change in found:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_character_data(f"{change.dataset}.{change.split}.{change.method}"),
            name=_character_data(change.metric),
            time="0",
        )
        if change.fails:
            ElementTree.SubElement(case, "failure", message=_character_data(change.sentence), type=change.verdict)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _character_data(text: str) -> str:
    """A text in XML 1.0, which has no way to write most control characters: they are escaped as Python does."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def as_annotations(found: Iterable[Change]) -> Iterator[str]:
    """GitHub workflow commands: an error for each failure of the gate, a notice for each improvement."""
    for change in found:
        if change.verdict != "same":
            level = "error" if change.fails else "notice"
            yield f"::{level} title=uaabench {_command(change.where, ':,')}::{_command(change.sentence)}"


def _command(text: str, also: str = "") -> str:
    """A text in a workflow command, whose marks in it are written by their numbers."""
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" + also else c for c in text)
