"""Training of methods within a budget: the same crops for all, and nothing lost when it is killed."""

import csv
import json

import pytest
import torch
from torch import nn

from uaabench.core import registry, weights
from uaabench.core.errors import UsageError
from uaabench.training import budget as budgets
from uaabench.training import hardware
from uaabench.training.budget import Budget
from uaabench.training.crops import CropSampler
from uaabench.training.looking import held_out_loss
from uaabench.training.method import choose_rate, train
from uaabench.training.objective import objective_of, trainable
from uaabench.training.pairs import TrainingPairs

TINY = Budget(name="tiny", steps=6, batch=2, crop=32, frozen=0.5, checkpoint_every=2, learning_rate=1e-3)
CPU = torch.device("cpu")
WITHIN_A_BUDGET = [name for name in trainable() if registry.method_card(name).objective]


@pytest.fixture
def pairs(msrs_tree):
    """Three pairs of 48x64, and one that is held out."""
    dataset = registry.dataset_class("msrs")(msrs_tree / "MSRS")
    items = [(dataset, pair) for pair in dataset.pairs("train")]
    return TrainingPairs(items[:3], (), items[3:], ["MSRS train: 3 pairs"])


@pytest.mark.parametrize("name", WITHIN_A_BUDGET)
def test_every_method_trains_and_its_weights_load_and_fuse(name, pairs, tmp_path, one_thread):
    file = train(name, pairs, TINY.model_copy(update={"steps": 2, "bfloat16": True}), CPU, tmp_path)
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["method"] == name
    assert card["data"] == ["MSRS train: 3 pairs"]
    assert card["sha256"] == weights.sha256(file)
    assert "On 1 held-out training pairs: EN" in card["note"]
    assert "2 steps of 2 crops of 32x32, network in bfloat16" in card["recipe"]
    method = registry.method_class(name)()
    method.load(file, CPU)
    fused = method.fuse(torch.rand(1, 1, 32, 40), torch.rand(1, 3, 32, 40))
    assert fused.shape[2:] == (32, 40)
    assert fused.isfinite().all()


def test_a_card_names_the_gpu_of_a_training(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Card {device.index}")
    on_processor, on_gpu = hardware.described(CPU), hardware.described(torch.device("cuda:1"))
    assert on_gpu == f"Card 1, {on_processor}"


@pytest.mark.parametrize("name", WITHIN_A_BUDGET)
def test_the_loss_reaches_every_parameter(name, pairs):
    torch.manual_seed(0)
    objective = objective_of(name)()
    batch = CropSampler(pairs.items, 32, 0).batch(4)
    torch.stack(list(objective.terms(batch).values())).sum().backward()
    assert [key for key, value in objective.network.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("name", ["tardal", "ifcnn"])
def test_a_training_cut_off_between_checkpoints_ends_with_the_same_weights(name, pairs, tmp_path, one_thread):
    whole = train(name, pairs, TINY, CPU, tmp_path / "whole")

    def stop_at_five(step, _values):
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(name, pairs, TINY, CPU, tmp_path / "cut", stop_at_five)
    cut = train(name, pairs, TINY, CPU, tmp_path / "cut")
    assert cut.read_bytes() == whole.read_bytes()
    assert (tmp_path / "cut" / "loss.csv").read_text() == (tmp_path / "whole" / "loss.csv").read_text()


def test_a_folder_goes_on_with_its_own_budget_and_method_only(pairs, tmp_path):
    train("mmdrfuse", pairs, TINY, CPU, tmp_path)
    for name, budget in (("mmdrfuse", TINY.model_copy(update={"seed": 1})), ("datfuse", TINY)):
        with pytest.raises(UsageError, match="holds a training with other data or settings; choose another --out"):
            train(name, pairs, budget, CPU, tmp_path)


def test_a_training_lowers_its_loss(pairs, tmp_path):
    train("mmdrfuse", pairs, TINY.model_copy(update={"steps": 80, "learning_rate": 1e-2}), CPU, tmp_path)
    rows = list(csv.DictReader((tmp_path / "loss.csv").open()))
    assert len(rows) == 80
    assert float(rows[-1]["intensity"]) < 0.5 * float(rows[0]["intensity"])


def test_all_methods_see_the_same_crops(pairs, tmp_path, monkeypatch):
    seen = {}
    for name in ("tardal", "ifcnn"):
        drawn = seen[name] = []
        original = CropSampler.batch

        def batch(self, n, drawn=drawn, original=original):
            found = original(self, n)
            drawn.append(found.ir)
            return found

        monkeypatch.setattr(CropSampler, "batch", batch)
        train(name, pairs, TINY, CPU, tmp_path / name)
        monkeypatch.setattr(CropSampler, "batch", original)
    assert len(seen["tardal"]) == len(seen["ifcnn"]) > TINY.steps
    assert all(torch.equal(a, b) for a, b in zip(seen["tardal"], seen["ifcnn"], strict=True))


def test_batch_statistics_are_estimated_once_and_then_kept(pairs, tmp_path, monkeypatch):
    means = []
    objective = objective_of("tardal")()
    norm = objective.network.encoder[1]
    assert isinstance(norm, nn.BatchNorm2d)
    monkeypatch.setattr("uaabench.training.method.objective_of", lambda _name: lambda: objective)
    train("tardal", pairs, TINY, CPU, tmp_path, lambda _step, _values: means.append(norm.running_mean.clone()))
    assert not torch.equal(means[0], means[1])
    assert not torch.equal(means[2], means[3])
    assert torch.equal(means[3], means[4])
    assert torch.equal(means[4], means[5])


def test_images_that_contradict_their_sources_are_a_failed_training(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr("uaabench.training.looking.validate", lambda *_: {"EN": 6.8, "SCD": -0.12})
    file = train("mmdrfuse", pairs, TINY.model_copy(update={"steps": 1}), CPU, tmp_path)
    assert "SCD -0.12. A failed training: the fused images contradict their sources" in weights.card_of(file).note


def test_a_loss_that_is_not_finite_ends_the_training(pairs, tmp_path, monkeypatch):
    objective = objective_of("mmdrfuse")()
    monkeypatch.setattr(
        objective, "terms", lambda _batch: {"intensity": objective.network.conv2[1].bias.sum() * torch.inf}
    )
    monkeypatch.setattr("uaabench.training.method.objective_of", lambda _name: lambda: objective)
    with pytest.raises(UsageError, match="no longer finite at step 1; train with a lower learning_rate"):
        train("mmdrfuse", pairs, TINY, CPU, tmp_path)
    assert not (tmp_path / "mmdrfuse.safetensors").exists()


def test_a_training_ends_when_held_out_pairs_gain_no_more_and_goes_on_as_if_never_cut(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr("uaabench.training.method.held_out_loss", lambda *_: 1.0)
    budget = TINY.model_copy(update={"steps": 60, "look_every": 2, "patience": 2, "hold_out": 1})
    whole = train("mmdrfuse", pairs, budget, CPU, tmp_path / "whole")
    card = weights.card_of(whole)
    # Looks after 2, 4 and 6 steps: the first is the lowest, two without a lower one follow; then a third of 6 steps.
    assert card.steps == 8
    assert "8 steps (at most 60) of 2 crops" in card.recipe
    assert len(list(csv.DictReader((tmp_path / "whole" / "loss.csv").open()))) == 8
    rows = list(csv.DictReader((tmp_path / "whole" / "validation.csv").open()))
    assert [row["step"] for row in rows] == ["2", "4", "6", "8"]
    assert all(0 < float(row["EN"]) < 8 for row in rows)

    def stop_at_seven(step, _values):
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("mmdrfuse", pairs, budget, CPU, tmp_path / "cut", stop_at_seven)
    cut = train("mmdrfuse", pairs, budget, CPU, tmp_path / "cut")
    assert cut.read_bytes() == whole.read_bytes()
    for name in ("loss.csv", "validation.csv"):
        assert (tmp_path / "cut" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_looks_change_nothing_of_what_is_trained(pairs, tmp_path, one_thread):
    blind = train("ifcnn", pairs, TINY, CPU, tmp_path / "blind")
    seen = train("ifcnn", pairs, TINY.model_copy(update={"look_every": 3}), CPU, tmp_path / "seen")
    assert blind.read_bytes() == seen.read_bytes()


def test_terms_of_a_critic_are_no_part_of_the_held_out_loss(pairs):
    torch.manual_seed(0)
    objective = objective_of("tardal")().eval()
    loss = held_out_loss(objective, pairs.held_out, TINY, CPU)
    for critic in (objective.target, objective.detail):
        for parameter in critic.parameters():
            parameter.data += 1
    assert held_out_loss(objective, pairs.held_out, TINY, CPU) == loss
    next(objective.network.parameters()).data += 1
    assert held_out_loss(objective, pairs.held_out, TINY, CPU) != loss


def test_the_rate_with_the_lowest_held_out_loss_is_taken_and_kept(pairs, tmp_path, monkeypatch):
    budget = TINY.model_copy(update={"rates": [1e-5, 1e-2, 1e9], "trial": 40, "hold_out": 1})
    file = train("mmdrfuse", pairs, budget, CPU, tmp_path)
    losses = json.loads((tmp_path / "rates.json").read_text())
    assert losses["0.01"] < losses["1e-05"]
    assert "Adam 0.01 (of 1e-05, 0.01, 1e+09) with" in weights.card_of(file).recipe
    assert not list(tmp_path.glob("rate-*"))
    # Given again, no trial is made again; a file that was cut short is no record of trials.
    monkeypatch.setattr("uaabench.training.method.held_out_loss", lambda *_: pytest.fail("tried again"))
    train("mmdrfuse", pairs, budget, CPU, tmp_path)
    monkeypatch.undo()
    for cut in ('{"0.01": ', "[]", '{"0.01": 0.5}'):
        (tmp_path / "rates.json").write_text(cut)
        train("mmdrfuse", pairs, budget, CPU, tmp_path)
        assert json.loads((tmp_path / "rates.json").read_text()) == losses


def test_a_rate_is_taken_as_it_was_written(pairs, tmp_path):
    budget = TINY.model_copy(update={"rates": [0.00123456789, 0.00123456788], "trial": 1, "steps": 1})
    assert choose_rate("mmdrfuse", pairs, budget, CPU, tmp_path) in budget.rates
    assert len(json.loads((tmp_path / "rates.json").read_text())) == 2


def test_rates_that_all_diverge_are_a_sentence(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr("uaabench.training.method.held_out_loss", lambda *_: float("nan"))
    with pytest.raises(UsageError, match=r"none of the learning rates 0\.1, 0\.2 the loss stays finite"):
        train("mmdrfuse", pairs, TINY.model_copy(update={"rates": [0.1, 0.2], "trial": 1}), CPU, tmp_path)


def test_looks_need_pairs_to_look_at():
    for entry in ({"rates": [1e-3]}, {"look_every": 10}):
        with pytest.raises(UsageError, match=r"Something of the budget .* need held-out pairs; set hold_out"):
            budgets.read("retrained", {**entry, "hold_out": 0})
    with pytest.raises(UsageError, match="patience needs looks at held-out pairs; set look_every"):
        budgets.read("retrained", {"patience": 2})
    assert budgets.read("converged").rates == [3e-4, 1e-3, 3e-3]


def test_a_method_that_cannot_be_trained_is_refused_by_name():
    with pytest.raises(UsageError, match="'gff' cannot be trained here; methods that can: auif"):
        objective_of("gff")
    with pytest.raises(UsageError, match="did you mean 'seafusion'"):
        objective_of("sefusion")


def test_the_built_in_budget_is_read_and_changed():
    budget = budgets.read("retrained", {"steps": 7})
    assert (budget.name, budget.steps) == ("retrained", 7)
    with pytest.raises(UsageError, match="There is no budget 'retraind'; did you mean 'retrained'"):
        budgets.read("retraind")
    with pytest.raises(UsageError, match="frozen"):
        budgets.read("retrained", {"frozen": 1.0})


def test_train_and_the_name_of_a_method_are_a_command(uaabench, msrs_tree):
    small = ["--set", "data=[msrs]", "--set", "steps=2", "--set", "batch=2", "--set", "crop=32", "--set", "hold_out=1"]
    out = msrs_tree / "trained"
    result = uaabench("train", "mmdrfuse", *small, "--data-root", msrs_tree, "--device", "cpu", "--out", out)
    assert result.code == 0, result.err
    assert "On 1 held-out training pairs: EN" in result.out
    assert f"Use it: uaabench run --methods mmdrfuse@{out}/mmdrfuse.safetensors" in result.out.replace("\n", "")
    card = json.loads((out / "mmdrfuse.json").read_text())
    assert card["data"] == ["MSRS train: 4 of 1083 pairs"]


def test_the_name_of_no_method_is_a_usage_error(uaabench):
    result = uaabench("train", "sefusion")
    assert result.code == 2
    assert "did you mean 'seafusion'?" in result.err
