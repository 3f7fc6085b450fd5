import numpy as np
import pytest
import torch

from uaabench.core.arrays import ByteImage
from uaabench.core.interface import Sources
from uaabench.metrics.batched import batched
from uaabench.metrics.profiles import PROFILES, Scene, prepare_on, profile
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.metrics.profiles.device import DeviceScene
from uaabench.metrics.profiles.published import PUBLISHED
from uaabench.metrics.profiles.tang_legacy import TANG_LEGACY
from uaabench.metrics.profiles.vifb import VIFB

HEADLINE = CDDFUSE.select()
on_every_device = pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
    ],
)


def image(seed: int, levels: int = 256) -> ByteImage:
    return np.random.default_rng(seed).integers(0, levels, (61, 83), dtype=np.uint8)


def grey_sources(ir: ByteImage, vi: ByteImage) -> Sources:
    return Sources(ir, np.repeat(vi[..., None], 3, axis=2))


def both(sources: Sources, images: list[ByteImage], device: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of the headline on the processor and on the device, (images, metrics), NaN where undefined."""
    scenes = Scene(CDDFUSE, sources), DeviceScene(CDDFUSE, sources, device)
    tables = [
        [[value.value for value in row] for row in scene.score_all([scene.read(entry) for entry in images], HEADLINE)]
        for scene in scenes
    ]
    return np.array(tables[0]), np.array(tables[1])


@on_every_device
def test_a_batch_has_the_values_of_its_images_one_by_one(device: str) -> None:
    ir, vi = image(0), image(1, levels=40)
    images = [image(2), image(3, levels=3), ir, np.full_like(ir, 90), (ir // 2 + vi // 2)]
    one_by_one, at_once = both(grey_sources(ir, vi), images, device)
    np.testing.assert_allclose(at_once, one_by_one, rtol=0, atol=1e-9)


@on_every_device
@pytest.mark.parametrize("level", [0, 200])
def test_sources_without_structure_follow_the_same_rule(device: str, level: int) -> None:
    flat = np.full((61, 83), level, np.uint8)
    one_by_one, at_once = both(grey_sources(flat, flat), [image(0), flat], device)
    np.testing.assert_allclose(at_once, one_by_one, rtol=0, atol=1e-9)
    assert np.isnan(one_by_one[:, -1]).all() == (level == 0)  # Qabf: black sources have no edge, bright ones a frame


@on_every_device
def test_metrics_without_a_batched_form_and_small_images_are_left_to_the_processor(device: str) -> None:
    sources = grey_sources(image(0)[:20, :20].copy(), image(1)[:20, :20].copy())
    metrics = CDDFUSE.select(["SD", "VIF", "AG"])
    scene = DeviceScene(CDDFUSE, sources, device)
    (row,) = scene.score_all([scene.read(sources.ir)], metrics)
    assert [value.status for value in row] == ["ok", "undefined", "ok"]
    assert "smaller than the 41x41" in row[1].reason


@on_every_device
def test_colour_channels_are_left_to_the_processor(device: str) -> None:
    sources = Sources(image(0), np.dstack([image(1), image(2), image(3)]))
    values = DeviceScene(VIFB, sources, device).score(image(4), VIFB.select(["EN", "SD"]))
    assert values == VIFB.score(image(4), sources, VIFB.select(["EN", "SD"]))


def test_only_metrics_that_compute_the_same_have_the_batched_form() -> None:
    assert all(batched(metric) is not None for metric in HEADLINE)
    assert batched(PUBLISHED.metrics["VIF"]) is None  # has another rule for a source without structure
    assert batched(VIFB.metrics["SF"]) is None
    assert batched(TANG_LEGACY.metrics["Qabf"]) is None  # computes the same on edges of another range


@on_every_device
@pytest.mark.parametrize("name", PROFILES)
def test_no_profile_has_other_values_on_a_device(device: str, name: str) -> None:
    convention = profile(name)
    metrics = convention.select(["all"])
    sources, fused = grey_sources(image(0), image(1)), image(2)
    here, there = Scene(convention, sources), DeviceScene(convention, sources, device)
    ((expected,), (found,)) = (scene.score_all([scene.read(fused)], metrics) for scene in (here, there))
    assert [(value.metric, value.status) for value in found] == [(value.metric, value.status) for value in expected]
    np.testing.assert_allclose([v.value for v in found], [v.value for v in expected], rtol=1e-9, atol=1e-9)


def test_a_profile_prepares_sources_for_the_named_device() -> None:
    sources = grey_sources(image(0), image(1))
    assert type(prepare_on("cpu", CDDFUSE, sources)) is Scene
    assert type(prepare_on("cuda:0", CDDFUSE, sources)) is DeviceScene
