"""A training lowers the loss it states, repeats itself, and survives being killed."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from uaabench.baselines.uaa.checkpoint import read_model
from uaabench.baselines.uaa.config import SMALL
from uaabench.baselines.uaa.training.export import export
from uaabench.baselines.uaa.training.loop import train
from uaabench.baselines.uaa.training.recipe import JointTraining, LossWeights, Recipe, SegmenterTraining, Validation
from uaabench.core import registry, weights
from uaabench.core.errors import UsageError
from uaabench.training.pairs import TrainingPairs

TINY = Recipe(
    name="tiny",
    network=replace(SMALL, stages=2, channels=4, steps=2),
    segmenter=SegmenterTraining(steps=2, batch=2, crop=32),
    joint=JointTraining(steps=12, batch=2, patch=32, learning_rate=1e-2, refresh=2),
    loss=LossWeights(intensity=5.0, edges=1.0),
    validation=Validation(pairs=0, every=6),
    checkpoint_every=4,
)
CPU = torch.device("cpu")


@pytest.fixture
def pairs(msrs_tree):
    """Four labelled pairs of 48x64."""
    dataset = registry.dataset_class("msrs")(msrs_tree / "MSRS")
    items = [(dataset, pair) for pair in dataset.pairs("train")]
    return TrainingPairs(items, items, items[:1])


def test_a_few_steps_bring_the_fused_image_closer_and_are_repeatable(pairs, one_thread):
    runs = []
    for _ in range(2):
        steps = []
        model = train(
            pairs,
            TINY,
            CPU,
            report=lambda phase, _, values, steps=steps: steps.append(values) if phase == "joint" else None,
        )
        runs.append((steps, model.state_dict()))
    first, second = runs
    assert first[0][-1]["intensity"] < first[0][0]["intensity"]
    assert all(torch.equal(first[1][key], second[1][key]) for key in first[1])


def test_a_training_cut_off_between_checkpoints_ends_with_the_same_weights_and_logs(pairs, tmp_path, one_thread):
    undisturbed = train(pairs, TINY, CPU, tmp_path / "whole").state_dict()

    def stop_at_seven(phase, step, _values):
        if (phase, step) == ("joint", 7):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(pairs, TINY, CPU, tmp_path / "cut", stop_at_seven)
    resumed = train(pairs, TINY, CPU, tmp_path / "cut").state_dict()
    assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)
    for log in ("joint.csv", "validation.csv"):
        assert (tmp_path / "cut" / log).read_text() == (tmp_path / "whole" / log).read_text()
    assert [line.split(",")[0] for line in (tmp_path / "cut" / "validation.csv").read_text().splitlines()] == [
        "step",
        "6",
        "12",
    ]


def test_a_folder_goes_on_with_its_own_recipe_only(pairs, tmp_path):
    train(pairs, TINY, CPU, tmp_path / "run")
    with pytest.raises(UsageError, match="other data or settings"):
        train(pairs, TINY.model_copy(update={"seed": 1}), CPU, tmp_path / "run")


def test_exported_weights_are_those_of_the_training_in_half_precision(pairs, tmp_path):
    model = train(pairs, TINY, CPU, tmp_path / "run")
    file = export(tmp_path / "run", tmp_path / "uaa.safetensors")
    read = read_model(file)
    assert read.config == TINY.network
    for key, value in model.state_dict().items():
        torch.testing.assert_close(read.state_dict()[key], value, rtol=1e-3, atol=1e-6)
    card = weights.WeightsCard(**json.loads(file.with_suffix(".json").read_text()))
    assert card.steps == 2 + 12
    assert card.sha256 == weights.sha256(file)
    assert "attribution refreshed every 2 visits" in card.recipe


@pytest.mark.parametrize("flag", ["data_step", "memory", "attention"])
def test_each_part_of_the_network_can_be_left_out_of_a_training(pairs, flag):
    network = replace(TINY.network, **{flag: False})
    short = TINY.joint.model_copy(update={"steps": 1})
    model = train(pairs, TINY.model_copy(update={"network": network, "joint": short}), CPU)
    full = train(pairs, TINY.model_copy(update={"joint": short}), CPU)
    ir, vi = torch.rand(2, 1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(model(ir, vi).image, full(ir, vi).image)
    assert (len(model.state_dict()) < len(full.state_dict())) == (flag == "memory")


# Kills its process while the third checkpoint of the joint training, that of step 15, is written.
KILLED = """
import os, signal
replace, checkpoints = os.replace, []
def replace_or_die(source, target):
    if str(target).endswith("joint.pt"):
        checkpoints.append(target)
    if len(checkpoints) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = replace_or_die
"""


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_weights_of_an_undisturbed_one(msrs_tree, tmp_path):
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(
        "network: {stages: 2, steps: 2, channels: 4, segmenter: small, classes: 9}\n"
        "data: ['msrs:train']\nlabelled: ['msrs:train']\ncheckpoint_every: 5\n"
        "segmenter: {steps: 4, batch: 2, crop: 32}\nvalidation: {pairs: 0}\n"
        "joint: {steps: 20, batch: 2, patch: 32, refresh: 3}\n"
    )

    def carry_out(out, before=""):
        arguments = ["train", "uaa", "--recipe", recipe, "--data-root", msrs_tree, "--device", "cpu", "--out", out]
        program = f"{before}\nimport torch; torch.set_num_threads(1); from uaabench.cli.main import main; main()"
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False, capture_output=True)

    assert carry_out(tmp_path / "whole").returncode == 0
    assert carry_out(tmp_path / "killed", before=KILLED).returncode == -signal.SIGKILL
    assert len((tmp_path / "killed" / "joint.csv").read_text().splitlines()) == 1 + 15
    assert carry_out(tmp_path / "killed").returncode == 0
    whole, killed = ((tmp_path / name / "uaa.safetensors").read_bytes() for name in ("whole", "killed"))
    assert whole == killed
