"""A GPU gives the numbers of a processor: every method, every metric and every judge that comes with the package.

Methods may differ by one grey level, as sums come in another order; metrics to 1e-9, as they compute in float64; label
maps and boxes where the network is in two minds.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from uaabench.core import registry, weights
from uaabench.core.interface import Pair, Sources
from uaabench.judges.detection.detectors import resolve as resolve_detector
from uaabench.judges.detection.trained import shipped_names as shipped_detectors
from uaabench.judges.segmentation.segmenters import Segmenter, read_card, shipped, shipped_names
from uaabench.judges.segmentation.segmenters import resolve as resolve_segmenter
from uaabench.methods import conformance
from uaabench.methods.fusing import load_method, make_batch_fuser, to_device
from uaabench.methods.named import plan_method
from uaabench.metrics.profiles import PROFILES, prepare_on, profile
from uaabench.training.crops import Batch
from uaabench.training.objective import objective_of, trainable
from uaabench.training.progress import Loop

pytestmark = pytest.mark.cuda
CPU = torch.device("cpu")
METRICS = 1e-9


@pytest.fixture
def gpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU that torch can use")
    return torch.device("cuda")


def sources(number, height=96, width=128):
    """A pair of the same synthetic scenes that methods are checked with."""
    ir, vi = conformance.scenes(number + 1, height, width)
    both = (ir[number, 0], vi[number].permute(1, 2, 0))
    return Sources(*((image * 255).round().byte().numpy() for image in both))


def loaded(name, device, folder):
    """A method with its shipped weights, or with those that its network is made with where it ships none."""
    card = registry.method_card(name)
    if card.kind != "learned" or weights.comes_with_weights(card):
        return load_method(plan_method(name), device)
    torch.manual_seed(0)
    torch.save(registry.method_class(name)()._network.state_dict(), folder / "made.pth")
    method = registry.method_class(name)()
    method.load(folder / "made.pth", device)
    return method


@pytest.mark.parametrize("name", registry.names("method"))
def test_a_method_fuses_on_a_gpu_as_on_a_processor(gpu, name, tmp_path):
    there, here = (loaded(name, device, tmp_path) for device in (gpu, CPU))
    (finding,) = [one for one in conformance.check(there, gpu, here) if one.name == "CPU equals device"]
    assert finding.passed, finding.detail


@pytest.mark.parametrize("name", ["tardal", "uaa", "laplacian"])
def test_pairs_fused_at_once_on_a_gpu_are_those_fused_alone_to_a_grey_level(gpu, name):
    given = [(Pair(str(n), "ir", "vi"), sources(n)) for n in range(4)]
    fuse = make_batch_fuser(plan_method(name), device="cuda")
    for together, one in zip(fuse(given), given, strict=True):
        assert np.abs(together.astype(int) - fuse([one])[0]).max() <= 1
    assert all((a == b).all() for a, b in zip(fuse(given), fuse(given), strict=True))


def test_a_gpu_is_given_the_same_sources_as_a_processor(gpu):
    images = [sources(n).vi for n in range(3)]
    assert torch.equal(to_device(images, gpu).cpu(), to_device(images, CPU))


@pytest.mark.parametrize("name", [name for name in trainable() if registry.method_card(name).objective])
def test_a_method_can_be_trained_on_a_gpu_in_mixed_precision(gpu, name):
    ir, vi = conformance.scenes(2, 96, 96)
    nothing = torch.zeros(2, 96, 96, dtype=torch.long)
    batch = Batch(ir, vi, label=nothing, has_label=torch.zeros(2, dtype=torch.bool)).on(gpu)
    objective = objective_of(name)().to(gpu)
    objective.mixed_precision = True
    objective.prepare(batch)
    torch.stack(list(objective.terms(batch).values())).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in objective.network.parameters())


def test_a_checkpoint_of_a_gpu_is_read_without_one(gpu, tmp_path, monkeypatch):
    file, part = tmp_path / "checkpoint.pt", torch.nn.Linear(2, 2).to(gpu)
    for _ in Loop(file, {"part": part}, steps=1, every=1):
        pass
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Loop(file, {"part": torch.nn.Linear(2, 2)}, steps=1, every=1).done == 1


@pytest.mark.parametrize("name", PROFILES)
def test_every_metric_of_a_profile_has_the_same_value_on_a_gpu(gpu, name):
    convention = profile(name)
    metrics = convention.select(["all"])
    fused = sources(1).vi[..., 0]
    on_gpu, on_cpu = (prepare_on(device, convention, sources(0)) for device in ("cuda", "cpu"))
    found, expected = (scene.score_all([scene.read(fused)], metrics)[0] for scene in (on_gpu, on_cpu))
    for one, other in zip(found, expected, strict=True):
        assert (one.metric, one.status) == (other.metric, other.status)
        assert one.value == pytest.approx(other.value, rel=METRICS, abs=METRICS, nan_ok=True)


@pytest.mark.parametrize("name", shipped_names())
def test_a_segmenter_labels_on_a_gpu_as_on_a_processor(gpu, name):
    classes = read_card(shipped(name)).classes
    images = [sources(n, 240, 320).vi for n in range(2)]
    there, here = (Segmenter(resolve_segmenter(name), classes, device).predict(images) for device in (gpu, CPU))
    assert np.mean([a == b for a, b in zip(there, here, strict=True)]) > 0.999


@pytest.mark.parametrize("name", shipped_detectors())
def test_a_detector_finds_on_a_gpu_what_it_finds_on_a_processor(gpu, name):
    found = []
    for device in (gpu, CPU):
        detector = resolve_detector(name)
        detector.load(device)
        found.append(detector.detect(sources(0, 240, 320).vi))
    # Below a tenth of confidence one box more or less is rounding.
    there, here = ([(s, *c) for s, c in zip(one.scores, one.corners, strict=True) if s > 0.1] for one in found)
    assert np.array(there) == pytest.approx(np.array(here), abs=0.05)
