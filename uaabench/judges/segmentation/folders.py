"""Label maps predicted elsewhere, in a folder beside that of the true ones."""

from __future__ import annotations

from pathlib import Path

from uaabench.core import files, imaging
from uaabench.core.errors import DataError, UsageError
from uaabench.judges.segmentation.confusion import Matrix, confusion
from uaabench.judges.segmentation.protocols import Protocol


def read_matrices(predicted: Path, labels: Path, protocol: Protocol) -> list[Matrix]:
    """The confusion matrix of every predicted label map, in the order of their stems.

    Raises:
        UsageError: A folder is missing or holds no images.
        DataError: A prediction has no true label map, or another size, or values that are no class.
    """
    for folder in (predicted, labels):
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}; check the path.")
    predictions, truths = files.images(predicted), files.images(labels)
    if not predictions:
        raise UsageError(f"The folder {predicted} holds no label maps; write them as PNG files of class indices.")
    matrices = []
    for stem, file in predictions.items():
        truth = truths.get(stem)
        if truth is None:
            raise DataError(f"{file} has no label map {file.stem}.png in {labels}; add it, or take {file.name} away.")
        try:
            matrices.append(confusion(imaging.read_label(file), imaging.read_label(truth), protocol))
        except DataError as error:
            raise DataError(f"{file.name}: {error}") from error
    return matrices
