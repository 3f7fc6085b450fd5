"""The loss follows the direction; a training lowers it, repeats itself, survives being cut off and is exported."""

import json

import pytest
import torch

from uaabench.baselines.uaa.attribution import SourceWeights
from uaabench.baselines.uaa.roads.shipped import read_shipped
from uaabench.baselines.uaaplus.checkpoint import read_model
from uaabench.baselines.uaaplus.config import UAAPlusConfig
from uaabench.baselines.uaaplus.training import loss, recipe
from uaabench.baselines.uaaplus.training.export import export
from uaabench.baselines.uaaplus.training.loop import train
from uaabench.baselines.uaaplus.training.recipe import LossWeights, Optimisation, Recipe
from uaabench.core import registry, weights
from uaabench.core.errors import UsageError, WeightsError
from uaabench.training.pairs import TrainingPairs

CPU = torch.device("cpu")
TINY = Recipe(
    name="tiny",
    network=UAAPlusConfig(stages=2, channels=4),
    optimisation=Optimisation(steps=8, batch=2, patch=32, learning_rate=1e-2),
    checkpoint_every=3,
)


@pytest.fixture
def pairs(msrs_tree):
    """Four pairs of 48x64."""
    dataset = registry.dataset_class("msrs")(msrs_tree / "MSRS")
    items = [(dataset, pair) for pair in dataset.pairs("train")]
    return TrainingPairs(items, [], items[:1])


def test_intensity_is_the_weighted_sources_and_a_quarter_of_the_darker_beyond_a_tenth():
    w_ir = torch.tensor([1.0, 0.0, 0.5])
    ir, y = torch.tensor([0.6, 0.6, 0.6]), torch.tensor([0.2, 0.2, 0.1])
    # 0.6 + 0.25 (0.2 - 0.1), 0.2 + 0.025, 0.35 + 0.25 (0.1 - 0.1)
    found = loss.intensity(ir, y, SourceWeights(w_ir, 1 - w_ir, w_ir), LossWeights())
    torch.testing.assert_close(found, torch.tensor([0.625, 0.225, 0.35]))


@pytest.mark.parametrize(("towards_ir", "wanted"), [(0.0, "y"), (1.0, "ir"), (-1.0, "y")])
def test_edges_are_those_of_the_source_that_the_region_needs(towards_ir, wanted):
    ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    # The visible edges are twice as strong: without a direction they win; with o = 1 infrared counts 1.8 to 0.2.
    sources = {"ir": 0.4 * (1 - ramp), "y": 0.8 * ramp}
    o = torch.full_like(ramp, towards_ir)
    distances = {name: loss.directed_edges(f, sources["ir"], sources["y"], o) for name, f in sources.items()}
    assert distances[wanted] < 1e-6
    assert all(distance > 0.1 for name, distance in distances.items() if name != wanted)


def test_ssim_is_zero_only_for_the_source_with_all_the_weight():
    torch.manual_seed(0)
    ir, y = torch.rand(2, 1, 1, 24, 24)
    one = torch.ones_like(ir)
    terms = [
        loss.terms(ir, ir, y, SourceWeights(w, 1 - w, w), one, LossWeights(ssim=1.0))["ssim"] for w in (one, 0 * one)
    ]
    torch.testing.assert_close(terms[0], torch.tensor(0.0), atol=1e-6, rtol=0)
    assert terms[1] > 0.5


def test_a_training_lowers_its_loss_and_leaves_the_segmenter_alone(pairs):
    seen = []
    longer = TINY.model_copy(update={"optimisation": TINY.optimisation.model_copy(update={"steps": 30})})
    model = train(pairs, longer, CPU, report=lambda phase, _, values: seen.append((phase, values)))
    fusion = [values["intensity"] for phase, values in seen if phase == "fusion"]
    assert sum(fusion[-5:]) < sum(fusion[:5])
    assert seen[-1][0] == "validation"
    untouched = read_shipped().state_dict()
    for key, value in model.model_s.state_dict().items():
        torch.testing.assert_close(value, untouched[key], rtol=0, atol=0)


def test_a_training_cut_off_between_checkpoints_ends_with_the_same_weights_and_log(pairs, tmp_path, one_thread):
    whole = train(pairs, TINY, CPU, tmp_path / "whole").model_f.state_dict()

    def stop_at_five(_phase, step, _values):
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(pairs, TINY, CPU, tmp_path / "cut", stop_at_five)
    resumed = train(pairs, TINY, CPU, tmp_path / "cut").model_f.state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert (tmp_path / "cut" / "fusion.csv").read_text() == (tmp_path / "whole" / "fusion.csv").read_text()
    with pytest.raises(UsageError, match="other data or settings"):
        train(pairs, TINY.model_copy(update={"seed": 1}), CPU, tmp_path / "cut")


def test_the_guide_decides_what_the_training_asks_for(pairs):
    def towards(source):
        def guide(_model, patches, ir, _y):
            found = torch.zeros(2, len(patches.index), 4)
            found[source] = 1
            return torch.ones_like(ir[:, 0], dtype=torch.long), found

        return guide

    first, second = (train(pairs, TINY, CPU, guide=towards(source)).model_f.state_dict() for source in (0, 1))
    assert any(not torch.equal(first[key], second[key]) for key in first)


def test_exported_weights_are_those_of_the_training_in_half_precision(pairs, tmp_path):
    model = train(pairs, TINY, CPU, tmp_path / "run")
    file = export(tmp_path / "run", tmp_path / "uaaplus.safetensors")
    read = read_model(file)
    assert read.config == model.config
    for key, value in model.model_f.state_dict().items():
        torch.testing.assert_close(read.model_f.state_dict()[key], value, rtol=1e-3, atol=1e-6)
    card = weights.WeightsCard(**json.loads(file.with_suffix(".json").read_text()))
    assert (card.steps, card.sha256) == (8, weights.sha256(file))
    assert "10 intensity + 3 edges" in card.recipe


def test_a_folder_without_a_training_cannot_be_exported(tmp_path):
    with pytest.raises(WeightsError, match="holds no training of UAAFusion\\+ yet"):
        export(tmp_path, tmp_path / "x.safetensors")


def test_recipes_refuse_what_they_do_not_know():
    assert recipe.read("directed").network.preference == 12
    with pytest.raises(UsageError, match="softnes"):
        recipe.read("directed", {"network.softnes": 1})
