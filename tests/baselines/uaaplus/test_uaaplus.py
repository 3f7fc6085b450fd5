"""Weights that a region's attribution shifts, stages that correct, and files that name their segmenter."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from uaabench.baselines.uaa.model import Trace
from uaabench.baselines.uaa.road import CLASSES
from uaabench.baselines.uaaplus import UAAPlus
from uaabench.baselines.uaaplus.checkpoint import new_model, read_model
from uaabench.baselines.uaaplus.config import UAAPlusConfig
from uaabench.baselines.uaaplus.model import RelativeAttention, UAAPlusModel
from uaabench.baselines.uaaplus.weighing import direction, weigh
from uaabench.core import weights
from uaabench.core.errors import WeightsError
from uaabench.core.weights import WeightsCard

SMALL = UAAPlusConfig(stages=2, channels=4)


class Brightness(nn.Module):
    """Scores of two classes: what is dark, and what is bright."""

    def forward(self, image):
        return torch.cat([1 - image, image], 1)


def regions(*columns):
    """A label map (1,8,8) of which each entry labels so many columns of 8 / n."""
    return torch.tensor(columns).repeat_interleave(8 // len(columns)).expand(1, 8, 8).contiguous()


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return torch.rand(2, 1, 24, 32), torch.rand(2, 1, 24, 32)


def test_a_source_contributes_the_mean_score_of_the_class_over_its_region():
    image = torch.full((1, 1, 8, 8), 0.2)
    image[..., 4:] = 0.7
    model = UAAPlusModel(SMALL, Brightness())
    # Class 1 scores 0.7 on its right half, and 1 - 0.7 on that of the negative; the rest, class 0, is not asked for.
    found = model.contributions(regions(0, 1), torch.stack([image, 1 - image]), 2)
    torch.testing.assert_close(found, torch.tensor([[[0.0, 0.7]], [[0.0, 0.3]]]))
    torch.testing.assert_close(model.contributions(regions(0, 1), image[None], 2), found[:1])


def test_a_region_is_what_one_source_shows_though_the_average_does_not():
    ir, vi = torch.full((1, 1, 8, 8), 0.1), torch.full((1, 1, 8, 8), 0.2)
    vi[..., 4:] = 0.7
    # On the right the average, 0.4, is rather dark; the visible image alone is bright.
    mask = UAAPlusModel(SMALL, Brightness()).mask(ir, vi)
    torch.testing.assert_close(mask.argmax(1), regions(0, 1))
    torch.testing.assert_close(mask.sum(1), torch.ones(1, 8, 8))


def test_the_direction_changes_sign_when_the_sources_change_places():
    attribution, labels = torch.rand(2, 3, 5), torch.randint(5, (3, 16, 16))
    towards_ir = direction(attribution, labels)
    torch.testing.assert_close(direction(attribution.flip(0), labels), -towards_ir)
    assert 0 < towards_ir.abs().max() <= 1


def test_the_direction_is_the_difference_of_the_scores_and_the_background_takes_no_side():
    attribution = torch.tensor([[[0.9, 0.6, 0.0]], [[0.1, 0.2, 0.0]]])
    for label, expected in ((0, 0.0), (1, 0.4), (2, 0.0)):
        torch.testing.assert_close(direction(attribution, regions(label)), torch.full((1, 1, 8, 8), expected))
    # The window of 9x9 around the left border sees columns 0 to 4, of which the last is of class 1.
    torch.testing.assert_close(direction(attribution, regions(0, 1))[0, 0, 0, 0], torch.tensor(0.4 / 5))


def test_without_a_direction_the_weights_are_a_soft_maximum():
    ir, vi = torch.tensor([0.5, 0.53, 0.9]), torch.tensor([0.5, 0.5, 0.1])
    # sigmoid(0), sigmoid(1), sigmoid(26.7)
    found = weigh(ir, vi, torch.zeros(3), preference=4.0, softness=0.03)
    torch.testing.assert_close(found, torch.tensor([0.5, 0.7310586, 1.0]))


def test_a_region_that_needs_infrared_takes_it_where_it_is_darker():
    # (0.3 - 0.36) / 0.03 + 4 * 1 = 2
    found = weigh(torch.tensor(0.3), torch.tensor(0.36), torch.tensor(1.0), preference=4.0, softness=0.03)
    torch.testing.assert_close(found, torch.sigmoid(torch.tensor(2.0)))


def test_attention_has_the_same_scale_whatever_the_image_and_is_smooth():
    raw = torch.zeros(1, 1, 36, 36)
    raw[..., 18, 18] = 1e-7
    # Root mean square 1e-7 / 36, so the entry becomes 36; its share of a window of 9x9 is 36 / 81.
    found = RelativeAttention(lambda _: raw)(raw)
    torch.testing.assert_close(found.max(), torch.tensor(36 / 81))
    assert (found > 0).sum() == 81
    torch.testing.assert_close(RelativeAttention(lambda _: 1e5 * raw)(raw), found)
    assert (RelativeAttention(torch.zeros_like)(raw) == 0).all()


def test_steps_start_at_nine_tenths_and_stay_between_0_and_1():
    model = UAAPlusModel(SMALL, Brightness())
    torch.testing.assert_close(torch.sigmoid(model.model_f.step), torch.full((2,), 0.9))
    model.model_f.step.data.fill_(-50.0)
    assert (torch.sigmoid(model.model_f.step) > 0).all()


def test_an_untrained_stage_is_nearly_its_data_step(pair):
    trace = Trace()
    model = UAAPlusModel(SMALL, Brightness())
    with torch.no_grad():
        fusion = model(*pair, trace=trace)
    target = fusion.weights.ir * pair[0] + fusion.weights.vi * pair[1]
    # f^0 - 0.9 (f^0 - T)
    torch.testing.assert_close(trace.iterates[1], 0.1 * trace.iterates[0] + 0.9 * target, atol=0.03, rtol=0)


def test_a_fused_image_does_not_depend_on_the_rest_of_its_batch(pair):
    model = new_model(SMALL).eval()
    with torch.no_grad():
        together = model(*pair).image
        alone = torch.cat([model(ir[None], vi[None]).image for ir, vi in zip(*pair, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_the_gate_acts(pair):
    model = new_model(SMALL).eval()
    with torch.no_grad():
        before = model(*pair).image
        model.model_f.gate.mul_(10)
        assert (model(*pair).image - before).abs().max() > 1e-5


def written(folder, config):
    model = new_model(config)
    card = WeightsCard(
        method="uaaplus", version=1, data=[], recipe="", steps=0, minutes=0, hardware="", seed=0, parameters=0
    )
    weights.export(folder / "own.safetensors", model.model_f.state_dict(), card, model.config.as_dict())
    return folder / "own.safetensors"


def test_weights_hold_the_fusion_network_alone_and_name_their_segmenter(tmp_path):
    path = written(tmp_path, SMALL)
    state, config = weights.read(path)
    assert not [key for key in state if key.startswith(("model_s", "context"))]
    assert config["segmenter_sha256"] == weights.shipped_card("road").sha256
    assert read_model(path).config.stages == 2


def test_weights_of_another_segmenter_are_refused(tmp_path):
    path = written(tmp_path, SMALL)
    state, config = weights.read(path)
    weights.export(path, state, weights.card_of(path), config | {"segmenter_sha256": "0" * 64})
    with pytest.raises(WeightsError, match="trained with another segmenter"):
        read_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": 3}, "does not fit"),
        ({"surplus": 1}, "unknown entries"),
    ],
)
def test_a_file_of_another_network_is_refused(tmp_path, change, message):
    path = written(tmp_path, SMALL)
    state, config = weights.read(path)
    weights.export(path, state, weights.card_of(path), config | change)
    with pytest.raises(WeightsError, match=message):
        read_model(path)


def test_it_needs_weights_and_loading():
    with pytest.raises(WeightsError, match="needs weights"):
        UAAPlus().load(None, torch.device("cpu"))
    with pytest.raises(WeightsError, match="call load"):
        UAAPlus().fuse(torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8))


def test_an_explanation_shows_the_weights_it_was_fused_with(tmp_path):
    torch.manual_seed(0)
    ir, vi = torch.rand(1, 1, 32, 48), torch.rand(1, 3, 32, 48)
    method = UAAPlus()
    method.load(written(tmp_path, replace(SMALL, attention=False)), torch.device("cpu"))
    found = method.explain(ir, vi)
    assert found.stages == 2
    torch.testing.assert_close(torch.from_numpy(found.weight_ir + found.weight_vi), torch.ones(32, 48))
    torch.testing.assert_close(torch.from_numpy(found.iterates[-1]).clamp(0, 1), torch.from_numpy(found.fused))
    of_another = method.explain(ir, vi, fused=vi)
    assert found.names == of_another.names == CLASSES
    assert len(CLASSES) == found.classes
