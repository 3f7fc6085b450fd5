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


def test_quantise_clips_and_rounds_to_the_nearest_level():
    levels = torch.tensor([-3.0, 1.4, 1.6, 254.6, 300.0]) / 255
    assert imaging.quantise(levels.view(1, 1, 1, 5))[0].tolist() == [[0, 1, 2, 255, 255]]


def test_quantise_rounds_half_to_even():
    ties = (torch.arange(255) + 0.5) / 255
    assert (ties * 255 - torch.arange(255) == 0.5).all()
    # 0.5 lies between 0 and 1, of which 0 is even; 1.5 between 1 and 2, of which 2 is.
    assert imaging.quantise(ties.view(1, 1, 1, 255))[0].tolist() == [[level + level % 2 for level in range(255)]]


def test_quantise_gives_each_image_of_a_batch_by_its_channels():
    grey = torch.arange(12).view(2, 1, 2, 3) / 255
    assert [image.tolist() for image in imaging.quantise(grey)] == [
        [[0, 1, 2], [3, 4, 5]],
        [[6, 7, 8], [9, 10, 11]],
    ]
    (colour,) = imaging.quantise(torch.arange(12).view(1, 3, 2, 2) / 255)
    assert colour.tolist() == [[[0, 4, 8], [1, 5, 9]], [[2, 6, 10], [3, 7, 11]]]


def test_a_tensor_has_its_channels_first_and_values_up_to_1():
    colour = np.arange(0, 240, 20, dtype=np.uint8).reshape(2, 2, 3)
    tensor = imaging.to_tensor(colour)
    assert (tensor.shape, tensor.dtype) == ((1, 3, 2, 2), torch.float32)
    assert tensor[0, 1].tolist() == (torch.tensor([[20, 80], [140, 200]]) / 255).tolist()
    assert imaging.to_tensor(colour[..., 0]).shape == (1, 1, 2, 2)


def test_grey_is_read_as_it_is_and_colour_as_its_luminance(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    imaging.write_png(tmp_path / "grey.png", grey)
    assert (imaging.read_grey(tmp_path / "grey.png") == grey).all()
    assert imaging.read_rgb(tmp_path / "grey.png").tolist() == np.stack([grey] * 3, axis=2).tolist()
    # Red, green and blue, see above.
    imaging.write_png(tmp_path / "colour.png", np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))
    assert imaging.read_grey(tmp_path / "colour.png").tolist() == [[76, 150, 29]]
    assert imaging.read_grey(tmp_path / "colour.png").dtype == np.uint8


def test_a_label_map_is_read_as_its_indices_and_drawn_in_the_colours_of_its_classes(tmp_path):
    imaging.write_png(tmp_path / "label.png", np.array([[0, 1], [2, 255]], np.uint8))
    label = imaging.read_label(tmp_path / "label.png")
    assert label.tolist() == [[0, 1], [2, 255]]
    drawn = imaging.coloured_label(label, [(9, 9, 9), (1, 2, 3), (4, 5, 6)])
    # Class 0 and what is no class are transparent.
    assert drawn.tolist() == [[[0, 0, 0, 0], [1, 2, 3, 255]], [[4, 5, 6, 255], [0, 0, 0, 0]]]
    assert drawn.dtype == np.uint8


def test_the_size_of_an_image_is_width_by_height():
    assert imaging.size_text(np.zeros((3, 4))) == imaging.size_text(np.zeros((3, 4, 3))) == "4x3"


def test_a_suffix_in_upper_case_is_that_of_a_png(tmp_path):
    imaging.write_png(tmp_path / "a.PNG", np.ones((2, 2), np.uint8))
    assert imaging.read_grey(tmp_path / "a.PNG").tolist() == [[1, 1], [1, 1]]


def test_every_level_survives_tensor_and_back():
    levels = np.arange(256, dtype=np.uint8)[None]
    assert (imaging.quantise(imaging.to_tensor(levels))[0] == levels).all()


def test_colourise_takes_luminance_from_fused_and_chroma_from_visible():
    vi = np.full((2, 2, 3), (120, 90, 60), np.uint8)
    same = cv2.cvtColor(vi, cv2.COLOR_RGB2YCrCb)[..., 0]
    assert np.abs(imaging.colourise(same, vi).astype(int) - vi).max() <= 1
    brighter = imaging.colourise(np.full((2, 2), 150, np.uint8), vi)
    assert imaging.grey(brighter).tolist() == [[150, 150], [150, 150]]
    assert brighter.dtype == np.uint8


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
