"""Each corruption does what its definition says, by another implementation or by arithmetic."""

import io

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from uaabench.degradations import CORRUPTIONS, optics, registration
from uaabench.degradations.draws import Draws


@pytest.fixture
def image():
    return np.random.default_rng(1).integers(0, 256, (40, 56, 3), np.uint8)


def corrupt(name, image, strength, purpose="a"):
    return CORRUPTIONS[name].apply(image, strength, Draws(purpose))


def test_normal_numbers_have_mean_0_variance_1_and_the_kurtosis_of_twelve_uniform_ones():
    numbers = Draws("many").normal((1_000_000,))
    assert abs(numbers.mean()) < 0.004
    assert abs(numbers.var() - 1) < 0.006
    # Of a sum of n uniform numbers: 3 - 1.2 / n.
    assert (numbers**4).mean() == pytest.approx(2.9, abs=0.03)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.004
    assert (numbers * 2**16 == np.round(numbers * 2**16)).all()


def test_uniform_numbers_fill_0_to_1_and_indices_are_all_drawn():
    numbers = Draws("many").uniform((100_000,))
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(np.full(10, 10_000), rel=0.05)
    assert {Draws("index", number).index(5) for number in range(100)} == set(range(5))


def test_streams_of_two_purposes_have_nothing_in_common():
    first, other = Draws("demo", "1", "ir").normal((50_000,)), Draws("demo", "1", "vi").normal((50_000,))
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.02


# Standard deviations of ImageNet-C, as shares of the range.
@pytest.mark.parametrize(("severity", "share"), [(1, 0.08), (2, 0.12), (3, 0.18)])
def test_noise_has_the_standard_deviation_of_its_severity(severity, share):
    grey = np.full((300, 300), 128, np.uint8)
    noisy = corrupt("noise", grey, severity).astype(float)
    assert noisy.std() == pytest.approx(255 * share, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_stripes_are_one_level_for_each_column_and_differ_between_columns():
    grey = np.full((50, 4000), 128, np.uint8)
    striped = corrupt("stripe", grey, 2).astype(float)
    assert (striped == striped[0]).all()
    assert striped[0].std() == pytest.approx(255 * 0.04, rel=0.05)


@pytest.mark.parametrize(("severity", "radius"), [(1, 3), (2, 4), (3, 6), (4, 8), (5, 10)])
def test_blur_is_the_mean_over_a_disk_that_scipy_computes(image, severity, radius):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (x**2 + y**2 <= radius**2).astype(float)
    expected = [scipy.ndimage.convolve(image[..., c].astype(float), disk, mode="mirror") / disk.sum() for c in range(3)]
    assert np.abs(corrupt("blur", image, severity) - np.stack(expected, -1)).max() <= 0.5 + 1e-9


def test_blur_of_an_image_smaller_than_its_disk_is_an_image_of_that_size():
    assert (corrupt("blur", np.full((2, 3), 9, np.uint8), 5) == np.full((2, 3), 9)).all()


def test_darkness_squares_and_scales():
    # 255 * 0.4 * (200/255)^2 = 62.7; 255 * 0.4 = 102.
    assert corrupt("dark", np.array([[0, 200, 255]], np.uint8), 3).tolist() == [[0, 63, 102]]


def test_low_contrast_draws_each_channel_towards_its_mean():
    # Mean 100: 100 + 0.2 * 100 = 120 and 100 - 0.2 * 100 = 80.
    two = np.zeros((1, 2, 3), np.uint8)
    two[0, :, 0], two[0, :, 1] = (0, 200), (50, 50)
    assert corrupt("lowcontrast", two, 3).tolist() == [[[80, 50, 0], [120, 50, 0]]]


def literal_plasma(size, decay, draws):
    """Diamond-square on a torus, one point after another, from the same random numbers."""
    field, step, rough = np.zeros((size, size)), size, 100.0
    while step > 1:
        half, count = step // 2, size // step
        for dy, dx, around in (
            (half, half, ((-half, -half), (half, -half), (-half, half), (half, half))),
            (0, half, ((0, -half), (0, half), (half, 0), (-half, 0))),
            (half, 0, ((-half, 0), (half, 0), (0, half), (0, -half))),
        ):
            wobble = rough**2 * (2 * draws.uniform((count, count)) - 1)
            for row in range(count):
                for column in range(count):
                    y, x = row * step + dy, column * step + dx
                    mean = sum(field[(y + j) % size, (x + i) % size] for j, i in around) / 4
                    field[y, x] = mean + wobble[row, column]
        step, rough = half, rough / decay
    return (field - field.min()) / (field.max() - field.min())


def test_the_plasma_fractal_is_that_of_the_diamond_square_algorithm():
    assert optics.plasma(32, 1.7, Draws("fog")) == pytest.approx(literal_plasma(32, 1.7, Draws("fog")), abs=1e-12)


def test_fog_lifts_black_and_keeps_the_brightest_level(image):
    image[:20] = 0
    foggy = corrupt("fog", image, 3)
    assert foggy[:20].mean() > 50
    assert foggy.max() <= image.max()
    assert (foggy[:20, :, 0] == foggy[:20, :, 1]).all()


@pytest.mark.parametrize("quality", [5, 30, 90])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_is_that_of_pillow_which_brings_a_libjpeg_of_its_own(image, quality, mode):
    given = image if mode == "RGB" else image[..., 0]
    file = io.BytesIO()
    Image.fromarray(given).save(file, "JPEG", quality=quality)
    assert (corrupt("jpeg", given, quality) == np.asarray(Image.open(file))).all()


def test_a_shift_moves_by_its_distance_into_all_directions():
    dot = np.zeros((41, 41), np.uint8)
    dot[20, 20] = 255
    found = set()
    for purpose in range(200):
        ((y, x),) = np.argwhere(corrupt("shift", dot, 4, purpose))
        found.add((y - 20, x - 20))
    assert {round(np.hypot(*move)) for move in found} == {4}
    assert found == set(registration.offsets(4))
    # As many to the left as to the right, up as down: the directions have no preference.
    assert np.sum(list(found), axis=0).tolist() == [0, 0]


def test_a_shift_repeats_the_border_also_beyond_the_image():
    rows = np.repeat(np.arange(5, dtype=np.uint8)[:, None], 5, axis=1)
    assert set(np.unique(corrupt("shift", rows, 64))) <= set(range(5))


def test_without_infrared_its_image_is_black(image):
    assert corrupt("drop-ir", image[..., 0], 0).tolist() == np.zeros((40, 56)).tolist()


@pytest.mark.parametrize("entry", CORRUPTIONS.values(), ids=CORRUPTIONS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2, 3), (17, 5), (33, 64, 3)])
def test_every_corruption_gives_an_image_of_the_same_shape_and_type_and_leaves_its_input_alone(entry, shape):
    given = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    before = given.copy()
    for strength in entry.strengths or (0,):
        corrupted = entry.apply(given, strength, Draws("any"))
        assert (corrupted.shape, corrupted.dtype) == (shape, np.uint8)
    assert (given == before).all()


@pytest.mark.parametrize("name", ["noise", "stripe", "dark", "lowcontrast", "fog", "blur"])
def test_a_higher_severity_is_farther_from_the_clean_image(name):
    y, x = np.mgrid[:64, :64]
    smooth = (100 + 40 * np.sin(y / 5) + 40 * np.cos(x / 3)).astype(np.uint8)
    errors = [np.abs(corrupt(name, smooth, s).astype(float) - smooth).mean() for s in range(1, 6)]
    assert errors == sorted(errors)
    assert len(set(errors)) == 5
