"""Detectors by name, as the command line gives it."""

from __future__ import annotations

from pathlib import Path

from uaabench.core.errors import UsageError, unknown_name
from uaabench.judges.detection import portable, torchvision_models, trained
from uaabench.judges.detection.detector import Detector


def resolve(named: str) -> Detector:
    """Find a detector; its network is opened by `load`.

    Args:
        named: A shipped one (`demo`), a `.safetensors` file that `uaabench train detector` exported, an `.onnx` or
            `.tflite` file with a card beside it or that card (`.toml`), or the name of one of torchvision's, whose
            weights are fetched by torchvision where they are not yet.

    Raises:
        UsageError: There is no such detector, or its card is wrong.
        WeightsError: Its file is missing, or is not what its card says.
    """
    path = trained.shipped(named) or Path(named).expanduser()
    if path.suffix in portable.SUFFIXES:
        return portable.resolve(path)
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise UsageError(
                f"There is no trained detector {path}; check the path, or train it: uaabench train detector"
            )
        return trained.TrainedDetector(path)
    if path.suffix or "/" in named:
        raise UsageError(
            f"{path} is no detector; name a card (.toml), its .onnx or .tflite file, or a .safetensors file that "
            "'uaabench train detector' exported."
        )
    known = torchvision_models.names()
    if named not in known:
        raise unknown_name("detector", named, [*trained.shipped_names(), *known])
    return torchvision_models.TorchvisionDetector(named)
