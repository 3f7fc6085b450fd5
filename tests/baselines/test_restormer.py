"""Restormer's parts against their equations."""

import torch
from torch.nn.functional import gelu

from uaabench.baselines.restormer import ChannelNorm, GatedLayer, attend


def test_channels_are_attended_by_the_cosines_between_them() -> None:
    torch.manual_seed(0)
    query, key, value = torch.rand(3, 1, 4, 5, 7, dtype=torch.float64)
    temperature = torch.tensor([[[1.5]], [[0.5]]], dtype=torch.float64)
    found = attend(query, key, value, temperature)
    for head in range(2):
        own = slice(2 * head, 2 * head + 2)
        cosines = torch.cosine_similarity(query[0, own, None].flatten(2), key[0, None, own].flatten(2), dim=-1)
        expected = torch.einsum("ij,jhw->ihw", (cosines * temperature[head]).softmax(dim=1), value[0, own])
        assert torch.allclose(found[0, own], expected, atol=1e-12)


def test_channels_of_a_pixel_are_brought_to_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    found = ChannelNorm(8)(torch.rand(2, 8, 3, 5) * 100)
    assert torch.allclose(found.mean(dim=1), torch.zeros(2, 3, 5), atol=1e-5)
    assert torch.allclose(found.std(dim=1, correction=0), torch.ones(2, 3, 5), atol=1e-4)


def test_the_first_half_of_what_is_projected_gates_the_second() -> None:
    layer = GatedLayer(1, 1)
    with torch.no_grad():
        layer.project_in.weight[:, 0, 0, 0] = torch.tensor([1.0, 3.0])
        layer.dwconv.weight.zero_()
        layer.dwconv.weight[:, 0, 1, 1] = 1
        layer.project_out.weight.fill_(2)
    features = torch.linspace(-2, 2, 12).reshape(1, 1, 3, 4)
    assert torch.allclose(layer(features), 2 * gelu(features) * 3 * features)
