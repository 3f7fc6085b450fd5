import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from uaabench.core import registry
from uaabench.core.columns import Metric
from uaabench.core.errors import DataError, UsageError
from uaabench.core.interface import Sources
from uaabench.metrics.profiles import PROFILES, Value, profile
from uaabench.metrics.profiles.cddfuse import CDDFUSE
from uaabench.metrics.profiles.vifb import VIFB
from uaabench.metrics.qabf import QABF, Edges


def random_sources(height: int = 48, width: int = 50) -> Sources:
    generator = np.random.default_rng(0)
    ir = generator.integers(0, 256, (height, width), dtype=np.uint8)
    return Sources(ir, generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


def odd_metric(compute: object) -> Metric:
    return Metric(
        name="Odd",
        title="odd",
        compute=compute,  # type: ignore[arg-type]
        higher_is_better=True,
        range=(0, 1),
        gameable_by_noise=False,
        version=7,
        reference="",
    )


def test_profiles_are_found_by_name() -> None:
    assert profile("cddfuse") is CDDFUSE
    assert all(name == entry.name for name, entry in PROFILES.items())
    with pytest.raises(UsageError, match="did you mean 'cddfuse'"):
        profile("cdfuse")


def test_all_metrics_are_selected_unless_some_are_named() -> None:
    assert [metric.name for metric in CDDFUSE.select()] == ["EN", "SD", "SF", "VIF", "Qabf"]
    assert [metric.name for metric in CDDFUSE.select(["sf", "EN", "SF"])] == ["SF", "EN"]
    with pytest.raises(UsageError, match="no metric 'XY'"):
        CDDFUSE.select(["XY"])


def test_a_metric_of_a_plugin_can_be_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = odd_metric(lambda fused, ir, vi: 0.5)
    monkeypatch.setattr(registry, "extra_metrics", lambda: {"Odd": odd})
    assert CDDFUSE.select(["odd"]) == (odd,)


def test_the_key_holds_every_version() -> None:
    odd = odd_metric(lambda fused, ir, vi: 0.5)
    assert CDDFUSE.key([CDDFUSE.metrics["EN"], odd]) == {
        "name": "cddfuse",
        "version": 1,
        "metrics": {"EN": 1, "Odd": 7},
    }


def test_a_colour_image_is_scored_by_its_rounded_luminance() -> None:
    # 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15, rounded 18
    colour = np.full((2, 2, 3), (10, 20, 30), np.uint8)
    colour[0] = 0
    grey = np.array([[0, 0], [18, 18]], np.uint8)
    sources = Sources(grey, colour)
    for image in (colour, grey):
        assert CDDFUSE.score(image, sources, CDDFUSE.select(["SD"])) == [Value("SD", 9.0)]


def test_the_infrared_image_comes_before_the_visible_one() -> None:
    metric = odd_metric(lambda fused, ir, vi: float(fused[0, 0] + 10 * ir[0, 0] + 100 * vi[0, 0]))
    sources = Sources(np.full((1, 1), 2, np.uint8), np.full((1, 1, 3), 3, np.uint8))
    assert CDDFUSE.score(np.full((1, 1), 1, np.uint8), sources, [metric])[0].value == 321


def test_images_of_different_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="fused image is 50x47, the infrared 50x48 and the visible 50x48"):
        CDDFUSE.score(np.zeros((47, 50), np.uint8), random_sources(), CDDFUSE.select())


def test_an_image_below_the_least_size_has_no_value_but_a_reason() -> None:
    sources = random_sources(40, 60)
    vif, sd = CDDFUSE.score(sources.ir, sources, CDDFUSE.select(["VIF", "SD"]))
    assert vif.status == "undefined"
    assert vif.reason == "60x40 is smaller than the 41x41 it needs"
    assert math.isnan(vif.value)
    assert sd.status == "ok"


def test_zero_over_zero_is_a_missing_value_with_a_reason() -> None:
    black = Sources(np.zeros((48, 50), np.uint8), np.zeros((48, 50, 3), np.uint8))
    (value,) = CDDFUSE.score(random_sources().ir, black, CDDFUSE.select(["Qabf"]))
    assert (value.status, value.reason) == ("undefined", "neither source has a gradient")
    assert math.isnan(value.value)


def test_a_metric_that_raises_has_failed_and_the_others_count() -> None:
    def broken(fused: object, ir: object, vi: object) -> float:
        raise ZeroDivisionError("no pixels")

    sources = random_sources()
    odd, en = CDDFUSE.score(sources.ir, sources, [odd_metric(broken), CDDFUSE.metrics["EN"]])
    assert (odd.status, odd.reason) == ("failed", "ZeroDivisionError: no pixels")
    assert en.status == "ok"


@pytest.mark.parametrize("returned", [None, "high", np.ones((2, 2)), 1 + 2j, True, np.True_, torch.tensor(1.0), [1.0]])
def test_a_metric_that_returns_no_number_has_failed_by_name_and_the_others_count(returned: object) -> None:
    sources = random_sources()
    odd, en = CDDFUSE.score(sources.ir, sources, [odd_metric(lambda *_: returned), CDDFUSE.metrics["EN"]])
    assert odd.status == "failed"
    assert "Odd returned" in odd.reason
    assert "instead of a number" in odd.reason
    assert en.status == "ok"


@pytest.mark.parametrize("number", [2, np.float32(2), np.int16(2), np.float64(2)])
def test_every_kind_of_real_number_is_a_value(number: float) -> None:
    sources = random_sources()
    assert CDDFUSE.score(sources.ir, sources, [odd_metric(lambda *_: number)]) == [Value("Odd", 2.0)]


def test_an_infinite_value_is_undefined_and_says_so() -> None:
    sources = random_sources()
    (odd,) = CDDFUSE.score(sources.ir, sources, [odd_metric(lambda *_: math.inf)])
    assert (odd.status, odd.reason) == ("undefined", "infinite for these images")


def test_a_metric_that_exits_has_failed_and_the_others_count() -> None:
    def leaves(fused: object, ir: object, vi: object) -> float:
        raise SystemExit(3)

    sources = random_sources()
    odd, en = CDDFUSE.score(sources.ir, sources, [odd_metric(leaves), CDDFUSE.metrics["EN"]])
    assert (odd.status, odd.reason) == ("failed", "its code asked the process to end (exit code 3)")
    assert en.status == "ok"


def by_numpy(image: np.ndarray) -> None:
    image[:] = 0


def by_torch(image: np.ndarray) -> None:
    torch.from_numpy(image).zero_()


def by_force(image: np.ndarray) -> None:
    image.setflags(write=True)
    image[:] = 0


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("write", [by_numpy, by_torch, by_force])
def test_a_metric_that_writes_into_its_arguments_changes_no_other_value(write: Callable[[np.ndarray], None]) -> None:
    def writes(fused: np.ndarray, ir: np.ndarray, vi: np.ndarray) -> float:
        for image in (fused, ir, vi):
            write(image)
        return 0.0

    def feature_that_writes(image: np.ndarray) -> np.ndarray:
        write(image)
        return image

    def writes_into_edges(fused: Edges, ir: Edges, vi: Edges) -> float:
        return writes(fused.strength, ir.strength, vi.strength)

    greedy = [
        odd_metric(writes),
        replace(odd_metric(lambda *_: 0.0), features=feature_that_writes),
        replace(odd_metric(writes_into_edges), features=QABF.features),
    ]
    own = CDDFUSE.select(["EN", "SD", "VIF", "Qabf", "MI"])
    sources, fused = random_sources(), random_sources().vi[..., 1]
    scene = CDDFUSE.prepare(sources)
    first, second = scene.score(fused, [*greedy, *own]), scene.score(fused, [*greedy, *own])
    expected = CDDFUSE.score(fused, sources, own)
    assert first[3:] == second[3:] == expected


def test_planes_and_features_are_read_only() -> None:
    scene = CDDFUSE.prepare(random_sources())
    plane = scene.ir[0]
    arrays = [plane.image, *plane.of(QABF.features), plane.of(CDDFUSE.metrics["VIF"].features)[0].variance]
    assert not any(array.flags.writeable for array in arrays)
    (odd,) = scene.score(random_sources().ir, [odd_metric(lambda fused, _ir, _vi: fused.fill(0))])
    assert (odd.status, odd.reason) == ("failed", "ValueError: assignment destination is read-only")


def test_sf_of_vifb_counts_the_steps_across_the_seams_of_the_channels() -> None:
    # Side by side 1 4 | 0 0 | 2 6 above 1 4 | 0 1 | 2 6. Along rows 3, -4, 0, 2, 4: 9 + 16 + 0 + 4 + 16 = 45, and
    # 3, -4, 1, 1, 4: 9 + 16 + 1 + 1 + 16 = 43. Along columns one step of 1. 89 over 12 pixels.
    colour = np.array([[[1, 0, 2], [4, 0, 6]], [[1, 0, 2], [4, 1, 6]]], np.uint8)
    for sources in (Sources(colour[..., 0], colour), Sources(colour[..., 0], np.zeros_like(colour))):
        assert VIFB.score(colour, sources, VIFB.select(["SF"])) == [Value("SF", pytest.approx((89 / 12) ** 0.5))]


def test_sf_of_vifb_of_a_grey_image_has_no_seams() -> None:
    # Along rows 3 and 3, along columns 0: 18 over 4 pixels, also where the visible image has three channels.
    grey = np.array([[1, 4], [1, 4]], np.uint8)
    colour = np.dstack([grey, grey // 2, grey // 3])
    for fused in (grey, np.dstack([grey] * 3)):
        assert VIFB.score(fused, Sources(grey, colour), VIFB.select(["SF"])) == [Value("SF", pytest.approx(4.5**0.5))]


def test_a_metric_that_says_badly_what_it_needs_is_named() -> None:
    def fails() -> None:
        raise OSError("no disk")

    profile = replace(CDDFUSE, metrics={"Odd": replace(odd_metric(lambda *_: 0.0), require=fails)})
    with pytest.raises(UsageError, match="metric 'Odd' cannot be computed here: OSError: no disk"):
        profile.select(["odd"])


def test_a_reason_is_one_line() -> None:
    def broken(fused: object, ir: object, vi: object) -> float:
        raise ValueError("first\n\nsecond")

    sources = random_sources()
    assert CDDFUSE.score(sources.ir, sources, [odd_metric(broken)])[0].reason == "ValueError: first second"
