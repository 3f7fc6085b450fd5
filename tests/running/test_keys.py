"""Everything a result depends on is in the key it is kept under, and nothing else."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from uaabench.core import registry, strips
from uaabench.core.columns import Metric
from uaabench.core.errors import UsageError
from uaabench.judges.segmentation import protocols
from uaabench.judges.segmentation.judge import Judge
from uaabench.judges.segmentation.segmenters import SegmenterCard, SegmenterFile
from uaabench.judges.segmentation.stage import Segment
from uaabench.metrics.profiles import PROFILES, profile
from uaabench.running import config, entries, plan
from uaabench.running.stages.fuse import Conditions, Fuse, fuse_unit
from uaabench.running.stages.score import Score

METHOD = """
from uaabench.core.interface import LuminanceMethod, MethodCard

class Own(LuminanceMethod):
    card = MethodCard(name="own", title="Own", kind="classical", version=1, summary="infrared")

    def fuse_luminance(self, ir, y):
        return ir
"""
METRIC = """
from uaabench.core.columns import Metric

OWN = Metric(
    name="Own", title="own", compute=lambda fused, ir, vi: fused.mean(), higher_is_better=True, range=(0, 255),
    gameable_by_noise=False, version=1, reference="",
)
"""

DATASET = """
from dataclasses import replace

from uaabench.datasets.folder import Folder

class Own(Folder):
    card = replace(Folder.card, name="theirs")

    @classmethod
    def locate(cls, data_root):
        return data_root / "pairs"

    def read(self, pair):
        return super().read(pair)
"""
STAGE = """
from uaabench.running.stage import Stage, unit_of

class Own(Stage):
    name = "own"
    doing = "Looking"

    def units(self, planning):
        return [unit_of(self, fused, {}) for fused in planning.fuse]

    def work(self, share, runtime):
        yield from ()
"""


@pytest.fixture
def keys(labelled, monkeypatch):
    """The key of each stage for one method on one data set, as the given entries of the configuration say."""

    def call(method="uaa", *, device="cpu", folder=labelled, **given):
        monkeypatch.setattr(registry, "_plugins", {})
        words = {"methods": [method], "datasets": [f"mine={folder}"], "metrics": ["EN"], "floor": False}
        judged = {"segmenter": "demo", "protocol": "msrs-9"}
        planned = plan.make(config.build(words | judged | given), device)
        return {stage: units[0].key for stage, units in planned.units.items() if units}

    return call


def changed(before, after):
    return {stage for stage in before if before[stage] != after[stage]}


ALL = {"fuse", "score", "segment"}


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"precision": "bf16"},
        {"batch": 2},
        {"compiled": True},
        {"device": "cuda"},
        {"options": {"uaa": {"stretch": False}}},
        {"method": "tardal"},
        {"limit": 3},
    ],
    ids=str,
)
def test_what_decides_the_images_is_in_every_key(keys, change):
    assert changed(keys(), keys(**change)) == ALL


def test_a_batch_is_in_no_key_of_a_method_that_fuses_one_pair_at_a_time(keys):
    assert keys("average", batch=2)["fuse"] == keys("average")["fuse"]
    assert keys("uaa", batch=1) == keys("uaa", batch="auto") == keys("uaa")
    assert keys("uaa", batch="auto", device="cuda") == keys("uaa", batch=4, device="cuda")


def test_compiling_is_in_no_key_of_a_method_without_a_network(keys):
    assert keys("laplacian", compiled=True) == keys("laplacian")


def test_the_precision_of_judges_is_in_the_key_of_predictions_alone(keys):
    assert changed(keys(), keys(judge_precision="bf16")) == {"segment"}


def test_the_batch_of_a_judge_is_in_the_key_of_its_predictions(keys):
    # The method takes no batches, so that only its judge differs.
    assert changed(keys("average"), keys("average", batch=2)) == {"segment"}


def test_profile_and_metrics_are_in_the_key_of_scores_alone(keys):
    assert changed(keys(), keys(metrics=["SD"])) == {"score"}
    assert changed(keys(), keys(profile="tang-legacy")) == {"score"}


def test_the_protocol_is_in_the_key_of_predictions_alone(keys, monkeypatch):
    before = keys()
    newer = replace(protocols.protocol("msrs-9"), version=2)
    monkeypatch.setattr(protocols, "protocol", lambda _name: newer)
    monkeypatch.setattr(protocols, "for_dataset", lambda *_: newer)
    assert changed(before, keys()) == {"segment"}


def test_label_maps_are_in_the_key_of_predictions_alone(keys, labelled):
    before = keys()
    cv2.imwrite(str(labelled / "labels" / "2.png"), np.zeros((48, 64), np.uint8))
    assert changed(before, keys()) == {"segment"}


@pytest.mark.parametrize("side", ["ir", "vi"])
def test_source_images_are_in_every_key(keys, labelled, side):
    before = keys()
    cv2.imwrite(str(labelled / side / "2.png"), np.zeros((48, 64), np.uint8))
    assert changed(before, keys()) == ALL


def test_the_id_of_a_pair_is_in_every_key(keys, labelled):
    before = keys()
    for name in ("ir", "vi", "labels"):
        (labelled / name / "3.png").rename(labelled / name / "4.png")
    assert changed(before, keys()) == ALL


def test_what_does_not_change_a_result_is_in_no_key(keys, labelled, tmp_path):
    before = keys()
    shutil.copytree(labelled, tmp_path / "elsewhere")
    assert keys(jobs=2, fail_fast=True, data_root=tmp_path, folder=tmp_path / "elsewhere") == before


@pytest.mark.parametrize(("stage", "others"), [(Fuse, ALL), (Score, {"score"}), (Segment, {"segment"})])
def test_the_version_of_a_stage_is_in_its_key(keys, monkeypatch, stage, others):
    before = keys()
    monkeypatch.setattr(stage, "version", 2)
    assert changed(before, keys()) == others


@pytest.fixture
def fused(labelled):
    """The fuse unit of UAAFusion on a data set, with another method or data set where they are given."""
    planned = plan.make(config.build({"methods": ["uaa"], "datasets": [f"mine={labelled}"], "floor": False}), "cpu")

    def call(method=None, dataset=None, **given):
        conditions = {"precision": "fp32", "seed": 0, "device": "cpu", **given}
        return fuse_unit(method or planned.methods[0], dataset or planned.datasets[0], Conditions(**conditions))

    return call


@pytest.mark.parametrize(
    "change",
    [
        lambda method: replace(method, weights=replace(method.weights, sha256="0" * 64)),
        lambda method: replace(method, card=replace(method.card, version=method.card.version + 1)),
        lambda method: replace(method, card=replace(method.card, name="tardal")),
        lambda method: replace(method, options={"stretch": False}),
    ],
    ids=["weights", "version", "name", "options"],
)
def test_weights_version_name_and_options_of_a_method_are_in_its_key(fused, change):
    unit = fused()
    assert fused(change(unit.method)).key != unit.key


def test_how_an_image_is_divided_into_strips_is_in_the_key_of_methods_that_allow_it(fused, monkeypatch):
    unit = fused()
    assert unit.method.card.reach is None
    allowing = replace(unit.method, card=replace(unit.method.card, reach=8))
    further = replace(unit.method, card=replace(unit.method.card, reach=9))
    before = [fused(method).key for method in (unit.method, allowing, further)]
    assert len(set(before)) == 3
    monkeypatch.setattr(strips, "WHOLE_PIXELS", 1000)
    assert fused(unit.method).key == unit.key
    assert fused(allowing).key not in before


def test_the_label_of_a_method_is_in_no_key(fused):
    unit = fused()
    assert fused(replace(unit.method, label="another")).key == unit.key


@pytest.mark.parametrize("fact", [{"version": 2}, {"name": "msrs"}], ids=str)
def test_version_and_name_of_a_data_set_are_in_every_key(labelled, fused, fact):
    folder = registry.dataset_class("folder")

    class Newer(folder):
        card = replace(folder.card, **fact)

    pairs = folder(labelled).pairs("all")
    before, after = (
        entries.plan_dataset(dataset, "mine", "all", pairs) for dataset in (folder(labelled), Newer(labelled))
    )
    assert after.index != before.index
    assert fused(dataset=after).key != fused(dataset=before).key


def test_the_versions_of_profile_and_metrics_are_in_the_key_of_scores(keys, monkeypatch):
    before = keys()
    current = profile("cddfuse")
    newer = [
        replace(current, version=current.version + 1),
        replace(current, metrics=current.metrics | {"EN": replace(current.metrics["EN"], version=99)}),
    ]
    for convention in newer:
        monkeypatch.setitem(PROFILES, "cddfuse", convention)
        assert changed(before, keys()) == {"score"}


def test_the_code_of_a_plugin_method_is_in_every_key_of_it(keys, tmp_path):
    plugin = tmp_path / "own.py"
    plugin.write_text(METHOD)
    before, of_another = keys("own", plugins=[plugin]), keys("uaa", plugins=[plugin])
    plugin.write_text(METHOD.replace("return ir", "return y"))
    assert changed(before, keys("own", plugins=[plugin])) == ALL
    assert keys("uaa", plugins=[plugin]) == of_another


def test_the_code_of_a_plugin_metric_is_in_the_key_of_its_scores(keys, tmp_path):
    plugin = tmp_path / "own.py"
    plugin.write_text(METRIC)
    before = keys(plugins=[plugin], metrics=["Own"])
    plugin.write_text(METRIC.replace("fused.mean()", "ir.mean()"))
    assert changed(before, keys(plugins=[plugin], metrics=["Own"])) == {"score"}
    plugin.write_text(METRIC.replace("version=1", "version=2"))
    assert changed(before, keys(plugins=[plugin], metrics=["Own"])) == {"score"}


def test_the_code_of_a_plugin_data_set_is_in_every_key(keys, tmp_path):
    plugin = tmp_path / "own.py"
    plugin.write_text(DATASET)
    given = {"datasets": ["theirs"], "data_root": tmp_path, "plugins": [plugin]}
    before = keys(**given)
    plugin.write_text(DATASET.replace("super().read(pair)", "super().read(pair)  # edited"))
    assert changed(before, keys(**given)) == ALL


def test_the_code_of_a_plugin_stage_is_in_its_key_alone(keys, tmp_path):
    plugin = tmp_path / "own.py"
    plugin.write_text(STAGE)
    before = keys(plugins=[plugin])
    plugin.write_text(STAGE.replace('"Looking"', '"Gazing"'))
    assert changed(before, keys(plugins=[plugin])) == {"own"}


def test_a_plugin_metric_of_another_version_has_another_key_under_one_source():
    convention = profile("cddfuse")
    metric = Metric(
        name="Own", title="own", compute=lambda fused, ir, vi: 0.0, higher_is_better=True, range=(0, 1),
        gameable_by_noise=False, version=1, reference="",
    )  # fmt: skip
    assert convention.key([metric]) != convention.key([replace(metric, version=2)])


def test_images_fused_elsewhere_do_not_depend_on_how_this_program_fuses(fused, labelled, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(labelled / "ir", images)
    given = {"methods": [f"theirs={images}"], "datasets": [f"mine={labelled}"], "floor": False}
    planned = plan.make(config.build(given), "cpu")
    (method,) = planned.methods
    before = fused(method)
    assert fused(method, seed=1, precision="bf16", device="cuda").key == before.key
    cv2.imwrite(str(images / "3.png"), np.zeros((48, 64), np.uint8))
    assert fused(method).key != before.key


@pytest.fixture
def a_judge(tmp_path):
    """A judge of a made-up segmenter."""
    card = SegmenterCard(
        name="net", network="fast-scnn", classes=("a", "b"), trained_on="", protocol="", steps=0, seed=0, recipe=""
    )
    (tmp_path / "base.py").write_text("model = dict(mean=0)")
    (tmp_path / "net.py").write_text("_base_ = ['base.py']\nmodel = dict(depth=1)")
    file = SegmenterFile(tmp_path / "net.py", tmp_path / "net.pth", "0" * 64, card)
    return Judge(file, protocols.Protocol(name="two-2", classes=("a", "b"), counts_zero=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda judge: replace(judge, way="retrain"),
        lambda judge: replace(judge, file=replace(judge.file, sha256="1" * 64)),
        lambda judge: replace(judge, file=replace(judge.file, card=replace(judge.file.card, version=2))),
        lambda judge: replace(judge, protocol=replace(judge.protocol, name="other-2")),
        lambda judge: replace(judge, protocol=replace(judge.protocol, version=2)),
        lambda judge: replace(judge, protocol=replace(judge.protocol, classes=("b", "a"))),
        lambda judge: replace(judge, protocol=replace(judge.protocol, counts_zero=False)),
    ],
    ids=["way", "weights", "version", "protocol", "version of the protocol", "classes", "counts_zero"],
)
def test_what_decides_the_predictions_of_a_judge_is_in_its_key(a_judge, change):
    assert change(a_judge).key != a_judge.key


@pytest.mark.parametrize(("name", "text"), [("net.py", "_base_ = ['base.py']\n"), ("base.py", "model = dict(mean=1)")])
def test_the_network_of_a_judge_is_in_its_key_with_what_it_is_based_on(a_judge, tmp_path, name, text):
    before = a_judge.key
    for file in ("net.py", "base.py"):
        (tmp_path / "elsewhere" / file).parent.mkdir(exist_ok=True)
        shutil.copy(tmp_path / file, tmp_path / "elsewhere" / file)
    assert replace(a_judge, file=replace(a_judge.file, config=tmp_path / "elsewhere" / "net.py")).key == before
    (tmp_path / name).write_text(text)
    assert a_judge.key != before


def test_a_judge_whose_network_is_no_configuration_is_refused(a_judge, tmp_path):
    (tmp_path / "net.py").write_text("model = (")
    with pytest.raises(UsageError, match=r"net\.py is not an mmsegmentation configuration: SyntaxError"):
        _ = a_judge.key


def test_the_device_of_a_judge_is_in_the_key_of_its_predictions_where_the_images_are_not_ours(labelled):
    # Images fused elsewhere have one key on any device, so that only the stage can tell the two apart.
    given = {"methods": [f"theirs={labelled / 'ir'}"], "datasets": [f"mine={labelled}"], "floor": False}
    judged = config.build(given | {"segmenter": "demo", "protocol": "msrs-9"})
    on_cpu, on_gpu = (plan.make(judged, device).units for device in ("cpu", "cuda"))
    assert on_cpu["fuse"][0].key == on_gpu["fuse"][0].key
    assert on_cpu["segment"][0].key != on_gpu["segment"][0].key
