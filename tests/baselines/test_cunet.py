"""CU-Net with the authors' weights gives the images of their code; its convolutions by rows are convolutions.

`goldens/cunet.npz` holds what their network (TPAMI-CU-Net at ac43ffc, MIF_CUNet.py) makes of a part of a scene of the
demo: infrared as three equal channels, then the visible image; clipped and rounded. `goldens/cunet_real_pairs.csv` has
the facts of theirs on real pairs, and how far ours are off.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from uaabench.baselines.cunet import Analysis, CUNet, Network, SparseCoding, Synthesis
from uaabench.core import imaging
from uaabench.core.errors import WeightsError
from uaabench.core.registry import method_card
from uaabench.core.weights import sha256
from uaabench.datasets.demo.render import render
from uaabench.datasets.demo.scene import compose

CPU = torch.device("cpu")
GOLDENS = Path(__file__).parent / "goldens"
FILES = {"multi-exposure": "multi_exposure.pth", "multi-focus": "multi_focus.pth"}
# A scene of the demo's test split by night, and a part of it with odd sides.
SCENE, PART = 66, (slice(60, 141), slice(80, 183))


@pytest.fixture(params=FILES)
def checkpoint(request, shared: Path) -> tuple[str, Path]:
    return request.param, shared / "weights" / "CUNet" / FILES[request.param]


def loaded(file: Path) -> CUNet:
    method = CUNet()
    method.load(file, CPU)
    return method


@pytest.mark.shared
def test_checkpoints_are_the_files_of_the_card(checkpoint) -> None:
    name, file = checkpoint
    assert sha256(file) == method_card("cunet").checkpoints[name].sha256


@pytest.mark.shared
def test_a_scene_is_fused_as_by_the_authors_network(checkpoint) -> None:
    name, file = checkpoint
    ir, vi, _ = render(compose(SCENE))
    with torch.no_grad():
        fused = loaded(file).fuse(*(imaging.to_tensor(image[PART].copy()) for image in (ir, vi)))
    with np.load(GOLDENS / "cunet.npz") as goldens:
        difference = np.abs(imaging.quantise(fused)[0].astype(int) - goldens[name])
    # Sums in another order move single values across the border of two levels.
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.999


def test_real_pairs_were_within_one_level_of_the_authors_network() -> None:
    with (GOLDENS / "cunet_real_pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["checkpoint"] for row in rows} == set(FILES)
    assert all(row["largest"] == "1" and float(row["equal"]) > 0.999 for row in rows)


def test_weights_of_two_channels_are_refused_and_those_of_other_methods_too(tmp_path: Path) -> None:
    torch.save(Network(2).state_dict() | {"conv_u.weight": torch.ones(3, 64, 9, 9)}, tmp_path / "mixed.pth")
    torch.save({"conv.weight": torch.ones(())}, tmp_path / "other.pth")
    for name in ("mixed.pth", "other.pth"):
        with pytest.raises(WeightsError, match="does not fit CU-Net"):
            loaded(tmp_path / name)


@pytest.mark.parametrize("channels", [1, 3])
def test_convolutions_by_rows_are_convolutions(channels: int) -> None:
    torch.manual_seed(0)
    image, codes = torch.rand(2, channels, 7, 12), torch.rand(2, 64, 7, 12)
    analysis, synthesis = Analysis(channels), Synthesis(channels)
    expected = functional.conv2d(image, analysis.weight, padding=4)
    torch.testing.assert_close(analysis(image), expected, atol=1e-5, rtol=1e-4)
    expected = functional.conv2d(codes, synthesis.weight, padding=4)
    torch.testing.assert_close(synthesis(codes), expected, atol=1e-5, rtol=1e-4)


def test_sparse_coding_with_a_dictionary_of_deltas_soft_thresholds_the_image() -> None:
    block = SparseCoding(1)
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            parameter.fill_(0.25 if "lam" in name else 0)
            if "lam" not in name:
                parameter[0, 0, 4, 4] = 1
        codes = block(torch.tensor([[[[1.0, 0.5, -0.75, 0.125]]]]))[0, :, 0]
    # Of x: t = s(x), then t = s(t - t + x) in each step, s the soft threshold of 0.25.
    assert codes[0].tolist() == [0.75, 0.25, -0.5, 0]
    assert not codes[1:].any()


def test_the_card_counts_the_parameters_of_the_network_trained_here() -> None:
    assert sum(parameter.numel() for parameter in Network().parameters()) == method_card("cunet").parameters
