"""UAAFusion as a method: independent of the batch, any size, explained errors."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from uaabench.baselines.uaa import UAA, stretch, strips
from uaabench.baselines.uaa.attribution import PathAttention, attribute, source_weights
from uaabench.baselines.uaa.checkpoint import read_model
from uaabench.baselines.uaa.config import RELEASED, SMALL, UAAConfig
from uaabench.baselines.uaa.model import UAAModel
from uaabench.core import weights
from uaabench.core.errors import WeightsError
from uaabench.judges.segmentation.segmenters import config_file

CPU = torch.device("cpu")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return UAAModel(SMALL).double().eval()


def pair(seed, height=40, width=56):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 1, height, width, generator=generator, dtype=torch.float64)


def test_an_image_is_fused_alike_alone_and_in_a_batch(model):
    (ir1, vi1), (ir2, vi2) = pair(1), pair(2)
    together = model(torch.cat([ir1, ir2]), torch.cat([vi1, vi2])).image
    alone = torch.cat([model(ir1, vi1).image, model(ir2, vi2).image])
    assert (together - alone).abs().max() < 1e-9


def test_strips_give_the_whole_image(model, monkeypatch):
    ir, vi = pair(7, 61, 40)
    whole = model.model_f(ir, vi, vi, torch.zeros_like)
    monkeypatch.setattr(strips, "PIXELS", 400)
    with torch.no_grad():
        assert (model.model_f(ir, vi, vi, torch.zeros_like) - whole).abs().max() < 1e-12


def test_bfloat16_keeps_the_weights_and_the_type_of_the_image(model):
    ir, vi = (image.float() for image in pair(8))
    model = model.float()
    expected = model(ir, vi)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = model(ir, vi)
    assert found.image.dtype == torch.float32
    assert (found.weights.ir - expected.weights.ir).abs().max() < 1e-5
    assert (found.image - expected.image).abs().max() < 1 / 255


def test_the_two_weights_sum_to_one_and_are_constant_on_a_region(model):
    ir, vi = pair(3)
    labels = torch.zeros(1, 40, 56, dtype=torch.long)
    labels[:, :, 28:] = 4
    mask = nn.functional.one_hot(labels, 9).permute(0, 3, 1, 2).double()
    found = source_weights(model.model_s, mask, ir, vi, 3)
    assert torch.allclose(found.ir + found.vi, torch.ones_like(ir), atol=1e-12)
    assert found.ir[..., :28].unique().numel() == 1
    assert found.attribution[:, :, [1, 2, 3, 5, 6, 7, 8]].abs().max() == 0


class Linear(nn.Module):
    """Class 0 scores half the image, class 1 a tenth of it."""

    def forward(self, image):
        return torch.cat([0.5 * image, 0.1 * image], 1)


def test_attribution_of_a_linear_score_is_its_gradient_times_the_image():
    # m_j = slope * mean of x over R_j, so its gradient is slope/|R_j| on R_j, and
    # a_j = 1/|R_j| * sum_R x * slope/|R_j| = slope * mean_R(x) / |R_j|, whatever K is.
    labels = torch.zeros(1, 2, 4, dtype=torch.long)
    labels[..., 2:] = 1
    image = torch.arange(8.0).view(1, 1, 2, 4)
    # Region 0 holds 0 1 4 5 (mean 2.5), region 1 holds 2 3 6 7 (mean 4.5); both have 4 pixels.
    found = attribute(Linear(), labels, image[None], 3, 2)
    assert found.flatten().tolist() == pytest.approx([0.5 * 2.5 / 4, 0.1 * 4.5 / 4])


def test_path_attention_averages_the_steps_of_the_iterates():
    # g = slope summed over masks / (C*H*W): mask of ones, (0.5+0.1)/(2*4) = 0.075 at every pixel.
    attend = PathAttention(Linear(), torch.ones(1, 2, 2, 2))
    zero, one, three = (torch.full((1, 1, 2, 2), value) for value in (0.0, 1.0, 3.0))
    assert attend(zero).abs().max() == 0
    assert attend(one).flatten().tolist() == pytest.approx([0.075] * 4)
    assert attend(three).flatten().tolist() == pytest.approx([(0.075 + 0.15) / 2] * 4)


def test_attribution_leaves_the_segmenter_as_it_was(model):
    model.model_s.train()
    ir, vi = pair(5)
    before = {key: value.clone() for key, value in model.model_s.state_dict().items()}
    model(ir, vi)
    assert model.model_s.training
    assert all(parameter.requires_grad for parameter in model.model_s.parameters())
    assert all((before[key] == value).all() for key, value in model.model_s.state_dict().items())


def test_stretch_uses_the_whole_range_of_each_image_and_keeps_a_constant_one():
    images = torch.stack([torch.full((1, 2, 2), 0.3), torch.tensor([[[0.2, 0.3], [0.4, 0.6]]])])
    found = stretch(images)
    assert (found[0] == images[0]).all()
    assert found[1].flatten().tolist() == pytest.approx([0, 0.25, 0.5, 1])


def test_stretch_leaves_rounding_errors_alone():
    image = torch.full((1, 1, 4, 4), 0.3)
    image[..., 0] += 1e-6
    assert (stretch(image) == image).all()


def test_the_released_size_has_the_published_number_of_parameters():
    # 1,010,380 less the unused init_conv_f0 (32*32*9+32 + 1 + 32*9+1 = 9,538) and the unused memory update of the last
    # stage: ConvLSTM 8*(32*32*9+32), ConvUnit(96,32,32) and ConvUnit(32,32,32).
    lstm, wide, narrow = 8 * 9248, 96 * 32 * 9 + 32 + 1 + 9248, 9248 + 1 + 9248
    model = UAAModel(RELEASED)
    assert sum(p.numel() for p in model.model_f.parameters()) == 1_010_380 - 9_538 - lstm - wide - narrow
    assert sum(p.numel() for p in model.model_s.parameters()) == 3_255_519


def test_exported_weights_carry_their_configuration(tmp_path):
    config = replace(SMALL, stages=2, channels=8)
    torch.manual_seed(0)
    model = UAAModel(config).eval()
    facts = weights.WeightsCard(
        method="uaa", version=1, data=[], recipe="", steps=0, minutes=0.0, hardware="", seed=0, parameters=0
    )
    weights.export(tmp_path / "uaa.safetensors", model.state_dict(), facts, config.as_dict())
    read = read_model(tmp_path / "uaa.safetensors")
    assert read.config == config
    ir, vi = pair(6)
    assert (read.eval()(ir.float(), vi.float()).image - model(ir.float(), vi.float()).image).abs().max() < 2e-3


@pytest.mark.parametrize(
    ("content", "message"), [({"model_f": {}}, "must hold 'model_f' and 'model_s'"), (None, "no PyTorch checkpoint")]
)
def test_a_wrong_file_is_explained(tmp_path, content, message):
    path = tmp_path / "x.pth"
    if content is None:
        path.write_text("hello")
    else:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=message):
        UAA().load(path, CPU)


def test_weights_cannot_have_a_configuration_run_that_the_user_did_not_name(tmp_path):
    plan = tmp_path / "own.py"
    plan.write_text(f"_base_ = [{str(config_file('fast-scnn'))!r}]\nopen({str(tmp_path / 'ran')!r}, 'w').close()\n")
    config = replace(SMALL, stages=2, channels=8, segmenter=str(plan))
    facts = weights.WeightsCard(
        method="uaa", version=1, data=[], recipe="", steps=0, minutes=0.0, hardware="", seed=0, parameters=0
    )
    file = tmp_path / "uaa.safetensors"
    weights.export(file, UAAModel(replace(config, segmenter="fast-scnn")).state_dict(), facts, config.as_dict())
    with pytest.raises(WeightsError, match=r"own\.py', which is not built in"):
        UAA().load(file, CPU)
    assert not (tmp_path / "ran").exists()
    UAA(segmenter=str(plan)).load(file, CPU)
    assert (tmp_path / "ran").exists()


def test_weights_that_do_not_fit_are_explained(tmp_path):
    model = UAAModel(SMALL)
    state = model.state_dict()
    del state["model_f.alpha"]
    facts = weights.WeightsCard(
        method="uaa", version=1, data=[], recipe="", steps=0, minutes=0.0, hardware="", seed=0, parameters=0
    )
    weights.export(tmp_path / "uaa.safetensors", state, facts, SMALL.as_dict())
    with pytest.raises(WeightsError, match=r"does not fit the UAAFusion network.*model_f\.alpha"):
        read_model(tmp_path / "uaa.safetensors")
    with pytest.raises(WeightsError, match="missing or unknown entries"):
        UAAConfig.of({"stages": 3})
