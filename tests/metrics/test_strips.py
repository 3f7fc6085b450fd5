import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from uaabench.core import strips as large
from uaabench.core.arrays import ByteImage, FloatImage
from uaabench.core.columns import Metric, Summed
from uaabench.core.interface import Sources
from uaabench.metrics.profiles import PROFILES, Value
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.metrics.strips import CACHED_PIXELS, elementwise, is_in_strips, thin_strips


def formula(first: FloatImage, second: FloatImage) -> FloatImage:
    return np.asarray(np.log1p(np.exp(first / 255) * second / (first + 1)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50_000), (700, 61), (1, 5), (400, 640)])
def test_a_formula_taken_strip_by_strip_has_the_same_bits(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    first, second = generator.uniform(0, 255, shape), generator.uniform(0, 255, (shape[0], shape[1] + 4))[:, 2:-2]
    np.testing.assert_array_equal(elementwise(formula, first, second), formula(first, second), strict=True)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50_000), (700, 61), (400, 640)])
def test_strips_are_all_rows_once_and_small(shape: tuple[int, int]) -> None:
    rows = [row for part in thin_strips(shape, CACHED_PIXELS) for row in range(*part.indices(shape[0]))]
    assert rows == list(range(shape[0]))
    tallest = max(part.stop - part.start for part in thin_strips(shape, CACHED_PIXELS))
    assert tallest == 1 or tallest * shape[1] <= CACHED_PIXELS


def summed_metrics() -> list[Metric]:
    metrics = {id(metric): metric for profile in PROFILES.values() for metric in profile.metrics.values()}
    return [metric for metric in metrics.values() if isinstance(metric.compute, Summed)]


def scene(shape: tuple[int, int]) -> tuple[ByteImage, Sources]:
    """A fused image and its sources with texture, a flat part, and edges at all rows."""
    generator = np.random.default_rng(3)
    ir, vi = (cv2.GaussianBlur(generator.uniform(0, 255, shape), (0, 0), 1.5) for _ in range(2))
    ir[:, :20] = 90
    fused = np.round((ir + vi) / 2 + generator.normal(size=shape))
    return fused.astype(np.uint8), Sources(ir.astype(np.uint8), np.dstack([vi.astype(np.uint8)] * 3))


def score_small_and_large(
    monkeypatch: pytest.MonkeyPatch, metric: Metric, fused: ByteImage, sources: Sources
) -> tuple[Value, Value]:
    """The metric of the whole images, and of the same where they count as large."""
    whole = CDDFUSE.score(fused, sources, [metric])[0]
    monkeypatch.setattr(large, "WHOLE_PIXELS", 4000)
    assert is_in_strips(metric, fused.shape)
    return whole, CDDFUSE.score(fused, sources, [metric])[0]


def test_the_default_metrics_that_need_most_memory_are_made_of_sums() -> None:
    assert {"VIF", "Qabf", "SSIM"} <= {metric.name for metric in summed_metrics()}
    assert all(isinstance(CDDFUSE.metrics[name].compute, Summed) for name in ("VIF", "Qabf", "SSIM"))


@pytest.mark.parametrize("shape", [(331, 70), (350, 70), (403, 61), (130, 41), (512, 96)])
@pytest.mark.parametrize("metric", summed_metrics(), ids=lambda metric: metric.name)
def test_a_metric_in_strips_has_the_value_of_the_whole_images(
    monkeypatch: pytest.MonkeyPatch, metric: Metric, shape: tuple[int, int]
) -> None:
    whole, in_parts = score_small_and_large(monkeypatch, metric, *scene(shape))
    assert whole.status == in_parts.status == "ok"
    assert in_parts.value == pytest.approx(whole.value, rel=1e-9, abs=0)


@pytest.mark.parametrize("level", [0, 200])
@pytest.mark.parametrize("name", ["VIF", "Qabf"])
@pytest.mark.parametrize("profile", ["cddfuse", "uaabench"])
def test_sources_without_structure_follow_the_same_rule_in_strips(
    monkeypatch: pytest.MonkeyPatch, profile: str, name: str, level: int
) -> None:
    fused, _ = scene((331, 70))
    flat = np.full(fused.shape, level, np.uint8)
    whole, in_parts = score_small_and_large(monkeypatch, PROFILES[profile].metrics[name], fused, Sources(flat, flat))
    assert in_parts.status == whole.status
    assert in_parts.value == pytest.approx(whole.value, rel=1e-9, nan_ok=True)


def test_images_of_usual_sizes_are_computed_whole_and_photographs_in_strips() -> None:
    vif = CDDFUSE.metrics["VIF"]
    assert [is_in_strips(vif, shape) for shape in ((480, 640), (1080, 1920), (4000, 6000))] == [False, False, True]


def test_what_a_metric_computes_otherwise_is_not_taken_in_strips() -> None:
    assert not is_in_strips(replace(CDDFUSE.metrics["VIF"], compute=lambda *_: 0.0), (4000, 6000))


def test_features_that_write_into_a_strip_leave_the_image_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def blackens(image: FloatImage) -> FloatImage:
        torch.from_numpy(image).zero_()  # which does not mind that NumPy calls an image read-only
        return image

    greedy = replace(CDDFUSE.metrics["SSIM"], name="Greedy", features=blackens)
    monkeypatch.setattr(large, "WHOLE_PIXELS", 4000)
    fused, sources = scene((331, 70))
    sd = CDDFUSE.metrics["SD"]
    _, after = CDDFUSE.score(fused, sources, [greedy, sd])
    assert after.value == np.std(fused.astype(float))


@pytest.mark.parametrize("name", ["VIF", "Qabf", "SSIM"])
def test_a_large_image_needs_little_memory_beyond_itself(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fused, sources = scene((4096, 96))
    prepared, metric = CDDFUSE.prepare(sources), CDDFUSE.metrics[name]
    planes = prepared.read(fused)
    monkeypatch.setattr(large, "WHOLE_PIXELS", 1 << 14)
    tracemalloc.start()
    prepared.score_all([planes], [metric])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # whole, each of the three images would get at least two features of its own size
    assert peak < 2 * planes[0].image.nbytes
