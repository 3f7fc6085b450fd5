"""Label maps predicted elsewhere, in a folder beside that of the true ones."""

from __future__ import annotations

from pathlib import Path

from uaabench.core import imaging
from uaabench.core.errors import DataError, UsageError
from uaabench.core.files import images
from uaabench.judges.segmentation.confusion import Matrix, confusion
from uaabench.judges.segmentation.protocols import Protocol


def read_matrices(predicted: Path, labels: Path, protocol: Protocol) -> list[Matrix]:
    """The confusion matrix of every predicted label map, in the order of their stems.

    Raises:
        UsageError: A folder is missing or holds no images.
        DataError: A folder holds two images of one stem, or a prediction has no true label map, another size, or values
            that are no class.
    """
    for folder in (predicted, labels):
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}; check the path.")
    maps, truths = images(predicted), images(labels)
    if not maps:
        raise UsageError(f"The folder {predicted} holds no label maps; write them as PNG files of class indices.")
    matrices = []
    for stem, file in maps.items():
        if stem not in truths:
            raise DataError(f"{file} has no label map {stem}.png in {labels}; add it, or take {file.name} away.")
        try:
            matrices.append(confusion(imaging.read_label(file), imaging.read_label(truths[stem]), protocol))
        except DataError as error:
            raise DataError(f"{file.name}: {error}") from error
    return matrices
