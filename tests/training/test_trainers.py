"""`uaabench train NAME` is one verb for every method that can be trained, whoever wrote it."""

import json

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError, WeightsError
from uaabench.training.trainer import Trainer
from uaabench.training.trainers import BudgetTrainer, trained_in, trainer_of

PLUGIN = """
from pathlib import Path
from uaabench.core.interface import LuminanceMethod, MethodCard
from uaabench.core.weights import WeightsCard, export
from uaabench.training.pairs import TrainingPairs, find
from uaabench.training.progress import claim
from uaabench.training.settings import Settings, read_settings
from uaabench.training.trainer import Trainer


class Plan(Settings):
    laps: int = 2


class OwnTrainer(Trainer[Plan]):
    word, default = "recipe", ""

    def read(self, named, changes):
        return Plan(name="own", **changes)

    def pairs(self, settings, data_root):
        return find(["msrs"], (), 0, data_root)

    def train(self, settings, pairs, device, folder, say):
        claim(folder, '{"method": "mine"}')
        say(f"{settings.laps} laps over {len(pairs.items)} pairs")
        return self.export(folder, folder / "mine.safetensors")

    def export(self, folder, out):
        facts = dict(data=[], recipe="", steps=1, minutes=0.0, hardware="", seed=0, parameters=0)
        export(out, {}, WeightsCard(method="mine", version=1, **facts), {})
        return out


class Mine(LuminanceMethod):
    card = MethodCard(name="mine", title="M", kind="learned", version=1, summary="s")

    def fuse_luminance(self, ir, y):
        return ir

    @staticmethod
    def trainer():
        return OwnTrainer()


class Other(LuminanceMethod):
    card = MethodCard(name="other", title="O", kind="learned", version=1, summary="s")

    def fuse_luminance(self, ir, y):
        return ir

    def objective(self):
        from uaabench.baselines.objectives.auif import AUIFObjective
        return AUIFObjective()
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


def test_every_card_that_names_a_trainer_or_an_objective_leads_to_one():
    for card in registry.method_cards().values():
        if card.trainer or card.objective:
            trainer = trainer_of(card.name)
            assert isinstance(trainer, Trainer)
            assert isinstance(trainer, BudgetTrainer) == bool(card.objective)
            assert trainer.read(trainer.default, {}).name == trainer.default


def test_a_method_of_a_plugin_is_trained_by_what_its_class_offers(uaabench, plugin, msrs_tree, tmp_path):
    words = ("train", "mine", "--plugin", plugin, "--set", "laps=3", "--device", "cpu", "--out", tmp_path / "run")
    result = uaabench(*words, "--data-root", msrs_tree)
    assert result.code == 0, result.err
    assert "3 laps over 4 pairs" in result.out
    assert (tmp_path / "run" / "mine.safetensors").is_file()
    assert isinstance(trainer_of("other"), BudgetTrainer)
    out = tmp_path / "again.safetensors"
    assert uaabench("train", "export", tmp_path / "run", "--plugin", plugin, "-o", out).code == 0
    assert out.is_file()


def test_a_method_that_is_not_learned_cannot_be_trained():
    with pytest.raises(UsageError, match=r"'gff' cannot be trained here; methods that can: auif.*, uaa"):
        trainer_of("gff")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("uaa", "--budget", "retrained"),
            "The method 'uaa' is trained by a recipe; write --recipe instead of --budget",
        ),
        (("auif", "--recipe", "sharp"), "The method 'auif' is trained by a budget; write --budget instead of --recipe"),
        (("uaa", "--recipe", "sharpp"), "There is no recipe 'sharpp'; did you mean 'sharp'?"),
        (("uaa", "--set", "joint.stepps=3"), "'joint.stepps'"),
    ],
)
def test_settings_of_another_kind_are_refused(uaabench, words, sentence):
    result = uaabench("train", *words)
    assert result.code == 2
    assert sentence in result.err


def test_the_method_of_a_training_is_read_from_its_folder(uaabench, tmp_path):
    for content in ("", "[]", "{}", None):
        if content is not None:
            (tmp_path / "training.json").write_text(content)
        with pytest.raises(WeightsError, match="holds no training of a method"):
            trained_in(tmp_path)
    (tmp_path / "training.json").write_text(json.dumps({"method": "auif"}))
    result = uaabench("train", "export", tmp_path)
    assert (result.code, "writes its weights when it ends" in result.err) == (2, True)
