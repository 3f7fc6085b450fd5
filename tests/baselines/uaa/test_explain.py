"""An explanation holds the arrays of the golden run, and is of the very image that is fused."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from uaabench.baselines.uaa import UAA
from uaabench.baselines.uaa.checkpoint import read_model
from uaabench.baselines.uaa.config import SMALL
from uaabench.baselines.uaa.explain import explain_fused, explain_unfolding
from uaabench.baselines.uaa.model import UAAModel
from uaabench.core.errors import UsageError, WeightsError
from uaabench.core.weights import shipped
from uaabench.methods.explanation import Explains


class Brightness(torch.nn.Module):
    """A segmenter of two classes: scores x and 2 x, so that class 1 wins everywhere."""

    def forward(self, image):
        return torch.cat([image, 2 * image], 1)


class Linear(torch.nn.Module):
    """A segmenter of two classes: scores x and x / 2 + 1 / 4, so that class 0 wins above 0.5."""

    def forward(self, image):
        return torch.cat([image, 0.5 * image + 0.25], 1)


@pytest.fixture
def method():
    method = UAA()
    method.load(shipped("uaa"), torch.device("cpu"))
    return method


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand((1, channels, 32, 48), generator=generator) for channels in (1, 3))


def one_hot(labels, classes):
    return functional.one_hot(labels, classes).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("mask", ["onehot", "self"])
def test_the_arrays_are_those_of_the_release(golden, checkpoint_path, mask):
    model = read_model(checkpoint_path).double().eval().requires_grad_(False)
    ir, vi = (torch.from_numpy(golden[name])[None, None] for name in ("ir", "vi"))
    labels = torch.from_numpy(golden["labels"]).long().view(1, *ir.shape[2:])
    given = one_hot(labels, 15) if mask == "onehot" else None
    found = explain_unfolding(model, ir, vi.expand(-1, 3, -1, -1), steps=5, mask=given)
    arrays = {"w_ir": found.weight_ir, "w_vi": found.weight_vi}
    arrays |= {"attr_ir": found.attribution["infrared"], "attr_vi": found.attribution["visible"]}
    arrays |= {f"nostep_iterate_{n}": found.iterates[n] for n in range(5)} | {"nostep_fused": found.iterates[5]}
    arrays |= {f"nostep_attention_{n}": attention for n, attention in enumerate(found.attentions)}
    for name, array in arrays.items():
        expected = golden[f"{mask}_{name}"]
        # The luminance of a grey image is that image to the last bit but one, which the gradients of ReLU6 amplify.
        assert np.abs(array.reshape(expected.shape) - expected).max() <= 1e-6 * np.abs(expected).max(), name
    assert (found.regions == (golden["labels" if mask == "onehot" else "self_label"]).squeeze()).all()
    assert (found.classes, found.stages, found.steps, found.facts) == (15, 5, 5, ("data step off",))
    assert found.segmenter == "MobileNetSegmenter"


def test_attributions_of_a_fused_image_by_arithmetic():
    # Class 1 wins everywhere. Its score is 2 x, so the gradient of its mean over n pixels is 2 / n at each, and a_1 is
    # the mean of x times 2 / n: of 12 pixels of 0.6 0.1, of 0.3 0.05, of 0.9 0.15.
    ir, vi, fused = (torch.full((1, channels, 3, 4), value) for channels, value in ((1, 0.6), (3, 0.3), (1, 0.9)))
    found = explain_fused(Brightness(), ir, vi, fused, steps=4)
    expected = {"infrared": 0.1, "visible": 0.05, "fused": 0.15}
    for name, value in expected.items():
        np.testing.assert_allclose(found.attribution[name], [0, value], rtol=1e-5)
    # 0.1 / (0.1 + 0.05)
    np.testing.assert_allclose(found.weight_ir, 2 / 3, rtol=1e-5)
    np.testing.assert_allclose(found.weight_vi, 1 / 3, rtol=1e-5)
    assert (found.regions == 1).all()


def test_the_attention_of_a_fused_image_is_gradient_times_change():
    ir, vi, fused = (torch.full((1, channels, 3, 4), value) for channels, value in ((1, 0.6), (3, 0.2), (1, 0.9)))
    mask = one_hot(torch.zeros(1, 3, 4, dtype=torch.long), 2)
    found = explain_fused(Brightness(), ir, vi, fused, steps=2, mask=mask)
    # The score is the mean over the C H W = 24 entries of M S(f); S_0 has the slope 1, and f moves from 0.4 to 0.9.
    (attention,) = found.attentions
    np.testing.assert_allclose(attention, 0.5 / 24, rtol=1e-5)
    average, luminance = found.iterates
    np.testing.assert_allclose(average, 0.4, rtol=1e-6)
    np.testing.assert_allclose(luminance, 0.9, rtol=1e-6)
    assert (found.mask, found.stages, found.facts) == ("labels", None, ())


def test_the_attentions_of_iterates_are_means_of_gradient_times_change():
    ir, vi = torch.full((1, 1, 3, 4), 0.6), torch.full((1, 3, 3, 4), 0.2)
    path = [torch.full((1, 1, 3, 4), value) for value in (0.1, 0.3, 0.9)]
    mask = one_hot(torch.zeros(1, 3, 4, dtype=torch.long), 2)
    found = explain_fused(Brightness(), ir, vi, path[-1], steps=2, mask=mask, iterates=path)
    # The slope of the score is 1 / 24 at each of its 12 pixels; f moves by 0.2 to its first iterate.
    assert (found.stages, len(found.iterates)) == (2, 3)
    first, second = found.attentions
    np.testing.assert_allclose(first, 0)
    np.testing.assert_allclose(second, 0.2 / 24, rtol=1e-5)


def test_a_coloured_fused_image_is_attributed_by_its_luminance():
    ir, vi = torch.full((1, 1, 3, 4), 0.6), torch.full((1, 3, 3, 4), 0.3)
    fused = torch.zeros(1, 3, 3, 4)
    fused[:, 1] = 1
    found = explain_fused(Brightness(), ir, vi, fused, steps=2)
    assert found.fused.shape == (3, 4, 3)
    np.testing.assert_allclose(found.attribution["fused"][1], 0.587 * 2 / 12, rtol=1e-5)


def test_regions_are_the_argmax_of_the_scores_of_the_average():
    # Class 0 wins where x > 0.5 x + 0.25, hence above 0.5; the averages are 0.25 and 0.75.
    ir = torch.tensor([[0.0, 1.0]])[None, None]
    vi = torch.full((1, 3, 1, 2), 0.5)
    found = explain_fused(Linear(), ir, vi, ir, steps=2)
    assert found.regions.tolist() == [[1, 0]]


def test_the_explained_image_is_the_fused_one(method, pair):
    assert isinstance(method, Explains)
    with torch.no_grad():
        found = method.explain(*pair)
        assert (found.fused == method.fuse(*pair)[0, 0].numpy()).all()
    # The stretch is the last step; the network's output before it is the last iterate.
    output = found.iterates[-1]
    stretched = (output - output.min()) / (output.max() - output.min())
    np.testing.assert_allclose(found.fused, stretched, atol=1e-6)
    assert len(found.iterates) == SMALL.stages + 1
    assert len(found.attentions) == SMALL.stages
    assert (found.attentions[0] == 0).all()
    np.testing.assert_allclose(found.weight_ir + found.weight_vi, 1, atol=1e-6)


def test_the_image_of_another_method_gets_the_same_weights(method, pair):
    # In float64: two images at a time are summed in another order than one, and attributions are ill-conditioned.
    method._model.double()
    ir, vi = (image.double() for image in pair)
    with torch.no_grad():
        own, other = method.explain(ir, vi), method.explain(ir, vi, fused=ir)
    np.testing.assert_allclose(own.weight_ir, other.weight_ir, rtol=1e-9)
    # The other image is the infrared one itself.
    np.testing.assert_allclose(other.attribution["fused"], other.attribution["infrared"], rtol=1e-9, atol=1e-15)


def test_a_given_label_map_makes_the_regions(method, pair):
    labels = torch.arange(48).div(16, rounding_mode="floor").expand(1, 32, 48)
    with torch.no_grad():
        found = method.explain(*pair, mask=one_hot(labels, 9))
    assert (found.regions == labels[0].numpy()).all()
    assert found.mask == "labels"
    assert (found.attribution["infrared"][3:] == 0).all()
    for values in (found.weight_ir, found.weight_vi):
        assert all(np.ptp(values[found.regions == label]) == 0 for label in range(3))


def test_a_mask_of_other_classes_is_refused(method, pair):
    with pytest.raises(UsageError, match="is of 4 classes but the segmenter scores 9"):
        method.explain(*pair, mask=torch.zeros(1, 4, 32, 48))


def test_explaining_leaves_the_model_as_it_was(pair):
    model = UAAModel(SMALL).train()
    explain_unfolding(model, *pair, steps=3)
    assert model.model_s.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_method_that_was_not_loaded_cannot_explain(pair):
    with pytest.raises(WeightsError, match="call load"):
        UAA().explain(*pair)
