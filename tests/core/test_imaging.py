"""Images are read, converted and quantised by one rule."""

import cv2
import numpy as np
import pytest
import torch

from uaabench.core import imaging
from uaabench.core.errors import DataError, MethodError, StorageError, UsageError


def test_grey_is_the_rounded_bt601_luminance():
    # 0.299*255 = 76.245, 0.587*255 = 149.685, 0.114*255 = 29.07
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert imaging.grey(primaries).tolist() == [[76, 150, 29]]


def test_grey_of_equal_channels_is_the_channel():
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert imaging.grey(levels)[0].tolist() == list(range(256))


def test_png_keeps_every_pixel_and_the_channel_order(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    imaging.write_png(tmp_path / "a.png", rgb)
    assert (imaging.read_rgb(tmp_path / "a.png") == rgb).all()
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0, ::-1].tolist() == rgb[0, 0].tolist()


def test_images_are_written_as_png_alone(tmp_path):
    with pytest.raises(UsageError, match=r"kept without loss, as PNG; name it a\.png"):
        imaging.write_png(tmp_path / "a.jpg", np.zeros((4, 4), np.uint8))
    with pytest.raises(StorageError, match=r"Cannot write .*a\.png"):
        imaging.write_png(tmp_path / "nowhere" / "a.png", np.zeros((4, 4), np.uint8))
    assert not list(tmp_path.iterdir())


def test_truncated_png_is_refused_with_its_name(tmp_path):
    imaging.write_png(tmp_path / "a.png", np.zeros((50, 50), np.uint8))
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a\.png: it is truncated"):
        imaging.read_rgb(tmp_path / "a.png")


def test_missing_file_and_text_file_are_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("not an image")
    with pytest.raises(DataError, match="is not an image"):
        imaging.read_grey(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="No such file"):
        imaging.read_grey(tmp_path / "b.jpg")


def test_colour_label_map_is_refused(tmp_path):
    imaging.write_png(tmp_path / "label.png", np.arange(27, dtype=np.uint8).reshape(3, 3, 3))
    with pytest.raises(DataError, match="one 8-bit channel"):
        imaging.read_label(tmp_path / "label.png")


def test_quantise_clips_and_rounds_half_to_even():
    # 0.5 and 2.5 levels are ties in float32: 0.5/255*255 and 2.5/255*255 are exact there.
    levels = torch.tensor([-3.0, 0.5, 1.4, 2.5, 300.0]) / 255
    assert imaging.quantise(levels.view(1, 1, 1, 5))[0].tolist() == [[0, 0, 1, 2, 255]]


def test_every_level_survives_tensor_and_back():
    levels = np.arange(256, dtype=np.uint8)[None]
    assert (imaging.quantise(imaging.to_tensor(levels))[0] == levels).all()


def test_colourise_takes_luminance_from_fused_and_chroma_from_visible():
    vi = np.full((2, 2, 3), (120, 90, 60), np.uint8)
    same = cv2.cvtColor(vi, cv2.COLOR_RGB2YCrCb)[..., 0]
    assert np.abs(imaging.colourise(same, vi).astype(int) - vi).max() <= 1
    brighter = imaging.colourise(np.full((2, 2), 150, np.uint8), vi)
    assert imaging.grey(brighter).tolist() == [[150, 150], [150, 150]]


def test_an_image_of_16_bit_is_refused_instead_of_reduced(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((3, 4), 300, np.uint16))
    for read in (imaging.read_rgb, imaging.read_grey):
        with pytest.raises(DataError, match=r"deep.png is of type uint16, not of 8 bit; convert"):
            read(tmp_path / "deep.png")


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_an_image_that_is_not_finite_becomes_no_grey_level(broken):
    fused = torch.zeros(1, 1, 2, 3)
    fused[0, 0, 1, 2] = broken
    with pytest.raises(MethodError, match="1 of 6 values are not finite"):
        imaging.quantise(fused)
