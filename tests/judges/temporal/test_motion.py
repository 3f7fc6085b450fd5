"""Motion between frames: known shifts are found, what is hidden or leaves the frame does not count."""

import cv2
import numpy as np
import pytest

from uaabench.core.interface import Sources
from uaabench.judges.temporal.motion import change, motion, warp


@pytest.fixture(autouse=True)
def _one_thread():
    """As every run has it."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def scene(seed, height=96, width=128):
    """A large smooth texture in grey, 8 bit."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height + 40, width + 40))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.rint((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)


def frames(dx, dy):
    """Sources of two frames, the camera moving by so many pixels between them."""
    ir, vi = scene(0), scene(1)
    rows, columns = slice(20, 116), slice(20, 148)
    moved = (slice(20 + dy, 116 + dy), slice(20 + dx, 148 + dx))
    first = Sources(ir[rows, columns], np.repeat(vi[rows, columns, None], 3, axis=2))
    second = Sources(ir[moved], np.repeat(vi[moved][..., None], 3, axis=2))
    return first, second


def test_the_flow_of_a_known_shift_is_that_shift():
    found = motion(*frames(4, -2))
    for flow in found.flows:
        # What stands at x now stood at x + 4 in the frame before.
        assert np.median(flow[found.followed], axis=0) == pytest.approx([4, -2], abs=0.05)
    assert 0.8 < found.followed.mean() < 0.97


def test_what_was_beyond_the_frame_is_not_followed():
    found = motion(*frames(4, 0))
    # The four columns at the right were not in the frame before.
    assert not found.followed[:, -3:].any()


def test_what_a_moving_object_uncovers_is_not_followed():
    first, second = frames(0, 0)
    thing = scene(2)[:40, :40]
    for source, left in ((first, 30), (second, 42)):
        for image in (source.ir, source.vi):
            image[30:70, left : left + 40] = thing if image.ndim == 2 else thing[..., None]
    found = motion(first, second)
    # The twelve columns behind the object were hidden before; the object itself and what is far from it were not.
    assert found.followed[34:66, 32:40].mean() < 0.5
    assert found.followed[40:60, 54:74].mean() > 0.9
    assert found.followed[:, 90:].mean() > 0.95


def test_a_still_camera_finds_no_motion_and_no_change():
    found = motion(*frames(0, 0))
    assert found.changes == (0.0, 0.0)
    assert found.followed.all()


def test_there_is_no_motion_over_a_cut_nor_to_another_size():
    first, second = frames(0, 0)
    other = scene(7)[20:116, 20:148]
    assert motion(first, second) is not None
    assert motion(first, Sources(other, np.repeat(other[..., None], 3, axis=2))) is None
    assert motion(first, Sources(first.ir[:-1], first.vi[:-1])) is None


def test_warping_takes_pixels_from_where_the_flow_points():
    image = np.arange(20.0).reshape(4, 5)
    flow = np.zeros((4, 5, 2), np.float32)
    flow[..., 0] = 1
    assert np.array_equal(warp(image, flow)[:, :4], image[:, 1:])
    # Beyond the border stands the pixel of the border.
    assert np.array_equal(warp(image, flow)[:, 4], image[:, 4])
    assert change(image, image + 3, np.zeros((4, 5, 2), np.float32), image < 10) == pytest.approx(30)


def test_the_same_frames_give_the_same_flow():
    one, other = (motion(*frames(3, 1)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.flows, other.flows, strict=True))
