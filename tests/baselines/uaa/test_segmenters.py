"""The segmenters: what makes them fast leaves what they compute as it is, and any network of mmseg fits."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from captum.attr import IntegratedGradients
from torch import nn
from torch.nn import functional

from uaabench.baselines.uaa.attribution import (
    attribute,
    differentiable,
    pixel_contributions,
    region_slopes,
    source_weights,
)
from uaabench.baselines.uaa.config import SMALL
from uaabench.baselines.uaa.layers import run
from uaabench.baselines.uaa.mobilenet import MobileNetSegmenter
from uaabench.baselines.uaa.model import UAAModel
from uaabench.baselines.uaa.segmenter import build_segmenter
from uaabench.baselines.uaa.small import SmallSegmenter
from uaabench.baselines.uaa.upsampled import convolve_upsampled
from uaabench.core.errors import UsageError
from uaabench.judges.segmentation import segmenters

CLASSES = 5


def random_statistics(network):
    """Batch norms that would be noticed if they were left out."""
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.copy_(0.1 * torch.randn(layer.num_features, generator=generator))
            layer.running_var.copy_(0.5 + torch.rand(layer.num_features, generator=generator))
    return network


@pytest.fixture(scope="module")
def mobilenet():
    torch.manual_seed(0)
    return random_statistics(MobileNetSegmenter(CLASSES)).double().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return random_statistics(SmallSegmenter(CLASSES, width=16)).double().eval().requires_grad_(False)


def plain_scores(network, image):
    """Scores of the released segmenter by the plain layers of torch."""
    features = network.feature_extractor.features
    low = features[:4](image)
    high = functional.interpolate(features[4:](low), low.shape[-2:], mode="bilinear", align_corners=True)
    joint = network.cat_conv(torch.cat([high, network.shortcut_conv(low)], 1))
    logits = network.cls_conv(joint)
    return functional.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=True).sigmoid()


class Plain(nn.Module):
    """The released segmenter as any module, of which the attribution knows nothing but its scores."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return plain_scores(self.network, image)


def images(count, height, width):
    generator = torch.Generator().manual_seed(count + height)
    return torch.rand(count, 1, height, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (33, 50)])
def test_folding_and_multiplying_before_upsampling_leave_the_scores_as_they_are(mobilenet, size):
    image = images(2, *size)
    with torch.no_grad():
        assert (mobilenet(image) - plain_scores(mobilenet, image)).abs().max() < 1e-12


@pytest.mark.parametrize(("coarse", "fine"), [((3, 5), (9, 17)), ((1, 4), (4, 13)), ((4, 4), (4, 4))])
def test_a_convolution_before_upsampling_is_the_convolution_after_it(coarse, fine):
    features = torch.rand(2, 3, *coarse, dtype=torch.float64)
    weight = torch.rand(6, 3, 3, 3, dtype=torch.float64)
    upsampled = functional.interpolate(features, fine, mode="bilinear", align_corners=True)
    expected = functional.conv2d(upsampled, weight, padding=1)
    assert torch.allclose(convolve_upsampled(features, weight, fine), expected, rtol=0, atol=1e-12)


def regions(name, height, width):
    labels = torch.zeros(height, width, dtype=torch.long)
    if name == "a single pixel in a corner":
        labels[-1, -1] = 2
    elif name == "scattered":
        labels = torch.randint(0, CLASSES, (height, width), generator=torch.Generator().manual_seed(3))
    elif name == "tiles":
        labels[:, width // 2 :] = 1
        labels[height // 3 :] += 2
    return labels


@pytest.mark.parametrize("layout", ["one class", "a single pixel in a corner", "scattered", "tiles"])
@pytest.mark.parametrize("size", [(64, 96), (65, 97)])
def test_a_backward_pass_confined_to_a_region_is_the_whole_one(mobilenet, layout, size):
    points, labels = images(2, *size), regions(layout, *size)
    with differentiable(mobilenet):
        expected = region_slopes(Plain(mobilenet), points, labels, CLASSES)
        found = mobilenet.region_slopes(points, labels, CLASSES)
    assert (found - expected).abs().max() < 1e-10 * expected.abs().max()


def test_attribution_is_the_integrated_gradients_of_captum(small):
    source, labels, steps = images(1, 40, 56), regions("tiles", 40, 56), 4
    found = attribute(small, labels[None], source[None], steps, CLASSES)
    assert found.max() > 0
    for index in range(4):
        region = labels == index

        def score(image, index=index, region=region):
            return small(image)[:, index][:, region].mean(1)

        gradients = IntegratedGradients(score, multiply_by_inputs=True)
        contribution = gradients.attribute(source, torch.zeros_like(source), n_steps=steps, method="riemann_right")
        expected = contribution[0, 0][region].mean().relu()
        assert found[0, 0, index].item() == pytest.approx(expected.item(), rel=1e-9, abs=1e-15)
        pixels = pixel_contributions(small, labels, source, steps)[region]
        assert (pixels - contribution[0, 0][region]).abs().max() < 1e-9 * pixels.abs().max()


def test_weights_do_not_depend_on_the_other_images_of_a_batch(mobilenet):
    ir, vi = images(2, 64, 64), images(2, 64, 64).flip(0)
    mask = functional.one_hot(torch.stack([regions("tiles", 64, 64), regions("one class", 64, 64)]), CLASSES)
    mask = mask.permute(0, 3, 1, 2).double()
    together = source_weights(mobilenet, mask, ir, vi, 2).ir
    alone = [source_weights(mobilenet, mask[i : i + 1], ir[i : i + 1], vi[i : i + 1], 2).ir for i in range(2)]
    assert (together - torch.cat(alone)).abs().max() < 1e-9


def test_folding_follows_the_parameters_and_passes_gradients_on(small):
    network = random_statistics(SmallSegmenter(CLASSES, width=16)).double().eval()
    image = images(1, 24, 24)
    before = network(image)
    with torch.no_grad():
        network.stem[1].weight.mul_(2)
    after = network(image)
    assert (before - after).abs().max() > 1e-6
    after.sum().backward()
    folded = network.stem[1].weight.grad.clone()
    network.zero_grad()
    features = network.stem(image)
    for block in network.context:
        features = features + block(features)
    network.upsample(network.classify(features), (24, 24)).sum().backward()
    assert torch.allclose(folded, network.stem[1].weight.grad, rtol=1e-9)


def test_batch_norms_in_training_mode_are_not_folded():
    layers = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU()).train()
    run(torch.rand(2, 1, 8, 8), layers)
    assert layers[1].num_batches_tracked == 1


@pytest.mark.parametrize("by_path", [False, True])
def test_a_network_of_mmseg_fuses_by_its_configuration(by_path):
    name = str(segmenters.config_file("fast-scnn")) if by_path else "fast-scnn"
    torch.manual_seed(0)
    model = UAAModel(replace(SMALL, stages=2, steps=2, channels=8, segmenter=name, classes=CLASSES)).eval()
    ir, vi = images(1, 64, 96).float(), images(1, 64, 96).flip(-1).float()
    with torch.no_grad():
        fusion = model(ir, vi)
    assert fusion.image.shape == ir.shape
    with differentiable(model.model_s):
        assert region_slopes(model.model_s, ir, regions("one class", 64, 96), CLASSES).abs().max() > 0
    assert set(model.state_dict()) >= {"model_s.network.decode_head.conv_seg.weight"}


def test_scores_of_a_network_of_mmseg_are_the_sigmoid_of_what_it_predicts():
    torch.manual_seed(0)
    segmenter = build_segmenter("fast-scnn", CLASSES).eval()
    grey = (images(1, 64, 96) * 255).round().float() / 255
    rgb = (grey * 255).expand(-1, 3, -1, -1).to(torch.uint8)
    with torch.no_grad():
        batch = segmenter.network.data_preprocessor({"inputs": list(rgb)})
        shape = {"img_shape": (64, 96), "ori_shape": (64, 96), "pad_shape": (64, 96), "padding_size": [0, 0, 0, 0]}
        expected = segmenter.network.encode_decode(batch["inputs"], [shape]).sigmoid()
        assert torch.allclose(segmenter(grey), expected, atol=1e-5)


def test_an_unknown_segmenter_is_explained():
    with pytest.raises(UsageError, match="did you mean 'segformer-b3'"):
        build_segmenter("segformer-b9", CLASSES)


def test_the_method_does_not_import_mmseg():
    code = "import sys, uaabench.baselines.uaa; sys.exit('mmseg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
