"""Fixtures of the training tests."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch


@pytest.fixture
def one_thread() -> None:
    """What a training promises bit for bit, it promises for one thread: several may share a sum out in other ways."""
    torch.set_num_threads(1)


@pytest.fixture
def msrs_tree(pair_folder: Path) -> Path:
    """A data root with an MSRS of four training pairs of 48x64, labelled 0 on the left and 1 or 2 on the right."""
    train = pair_folder / "MSRS" / "train"
    for name in ("ir", "vi"):
        (train / name).mkdir(parents=True)
        for file in sorted((pair_folder / name).iterdir()):
            file.rename(train / name / f"0000{file.stem}D.png")
    (train / "Segmentation_labels").mkdir()
    for number in range(4):
        label = np.zeros((48, 64), np.uint8)
        label[:, 32:] = 1 + number % 2
        cv2.imwrite(str(train / "Segmentation_labels" / f"0000{number}D.png"), label)
    return pair_folder
