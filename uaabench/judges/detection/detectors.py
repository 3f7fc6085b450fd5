"""Detectors by name, as the command line gives it."""

from __future__ import annotations

from pathlib import Path

from uaabench.core.errors import UsageError
from uaabench.judges.detection import portable
from uaabench.judges.detection.detector import Detector


def resolve(named: str) -> Detector:
    """Find a detector; what it is run by is opened by its `load`.

    Args:
        named: An `.onnx` or `.tflite` file with a card beside it, or that card.

    Raises:
        UsageError: There is no such detector, or its card is wrong.
        WeightsError: Its file is missing, or is not what its card says.
    """
    path = Path(named).expanduser()
    if path.suffix in portable.SUFFIXES:
        return portable.resolve(path)
    raise UsageError(f"There is no detector '{named}'; name a card (.toml) or its .onnx or .tflite file.")
