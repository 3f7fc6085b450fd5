"""Label maps predicted elsewhere are found whatever their suffix, and read whatever their palette."""

import numpy as np
import pytest
from PIL import Image

from uaabench.core.errors import DataError
from uaabench.judges.segmentation.folders import read_matrices
from uaabench.judges.segmentation.protocols import protocol

MSRS = protocol("msrs-9")
LABEL = (np.arange(60).reshape(6, 10) % 9).astype(np.uint8)


@pytest.fixture
def folders(tmp_path):
    """Predictions that are right, with palettes of two colours, and the true label maps in grey."""
    for name in ("pred", "labels"):
        (tmp_path / name).mkdir()
    for stem in ("1", "2"):
        Image.fromarray(LABEL).save(tmp_path / "labels" / f"{stem}.PNG")
        predicted = Image.fromarray(LABEL)
        predicted.putpalette([value for entry in range(256) for value in (200, entry % 2, 7)])
        predicted.save(tmp_path / "pred" / f"{stem}.png")
    return tmp_path / "pred", tmp_path / "labels"


@pytest.mark.parametrize("order", [1, -1])
def test_palettes_and_upper_case_are_read_as_predictions_and_as_label_maps(folders, order):
    first, second = read_matrices(*folders[::order], MSRS)
    # 60 pixels of the values 0 to 8: the first six seven times, the others six times.
    assert first.tolist() == second.tolist() == np.diag([7] * 6 + [6] * 3).tolist()


@pytest.mark.parametrize("which", [0, 1])
def test_two_maps_of_one_stem_are_refused(folders, which):
    Image.fromarray(LABEL).save(folders[which] / "2.bmp")
    with pytest.raises(DataError, match=r"holds both 2\..* and 2\..*: which of them"):
        read_matrices(*folders, MSRS)


def test_the_table_says_of_how_many_label_maps_some_were_predicted(uaabench, folders):
    (folders[0] / "2.png").unlink()
    out = uaabench("segment", "--pred", folders[0], "--labels", folders[1], "--protocol", "msrs-9").out
    assert "msrs-9, 1 of 2 label maps" in out
    assert "mIoU 1.0000" in out
