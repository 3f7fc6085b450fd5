"""Plans name what will run and key it by content."""

import cv2
import numpy as np
import pytest

from uaabench.core.errors import DataError, UsageError, WeightsError
from uaabench.running import entries, plan
from uaabench.running.config import build


def make(pair_folder, methods=("average",), **entries):
    given = {"methods": list(methods), "datasets": [f"mine={pair_folder}"], "floor": False, **entries}
    return plan.make(build(given), "cpu")


def keys(planned):
    return [unit.key for unit in planned.of()]


def test_the_floor_comes_first_and_every_method_once(pair_folder):
    planned = make(pair_folder, ["laplacian", "average", "laplacian"], floor=True)
    assert [method.label for method in planned.methods] == [
        "visible",
        "infrared",
        "average",
        "maximum",
        "maximum_plus_minimum",
        "laplacian",
    ]


def test_a_glob_names_all_methods_it_matches(pair_folder):
    assert [method.label for method in make(pair_folder, ["*ver*", "lap*"]).methods] == ["average", "laplacian"]


def test_a_glob_leaves_out_methods_whose_weights_are_not_here(pair_folder):
    labels = {method.label for method in make(pair_folder, ["*"]).methods}
    assert {"uaa", "tardal", "laplacian", "gff"} <= labels
    assert "lrrnet" not in labels


def test_a_method_without_shipped_weights_says_where_to_get_them(pair_folder):
    with pytest.raises(
        WeightsError,
        match=r"comes without weights: name it lrrnet@official, .* run: uaabench weights fetch lrrnet@official, or ",
    ):
        make(pair_folder, ["lrrnet"])


def test_the_same_files_give_the_same_keys(pair_folder):
    assert keys(make(pair_folder)) == keys(make(pair_folder))


def test_a_changed_pixel_changes_the_keys(pair_folder):
    before = make(pair_folder)
    image = cv2.imread(str(pair_folder / "vi" / "2.png"))
    image[0, 0] ^= 1
    cv2.imwrite(str(pair_folder / "vi" / "2.png"), image)
    assert not set(keys(before)) & set(keys(make(pair_folder)))


def test_metrics_change_only_the_keys_of_scores(pair_folder):
    all_metrics, one = make(pair_folder), make(pair_folder, metrics=["EN"])
    assert all_metrics.units["fuse"][0].key == one.units["fuse"][0].key
    assert all_metrics.units["score"][0].key != one.units["score"][0].key


def test_precision_and_options_change_the_keys(pair_folder):
    plain, half = make(pair_folder, ["uaa"]), make(pair_folder, ["uaa"], precision="bf16")
    assert plain.units["fuse"][0].key != half.units["fuse"][0].key
    assert (
        plain.units["fuse"][0].key
        != make(pair_folder, ["uaa"], options={"uaa": {"stretch": False}}).units["fuse"][0].key
    )


def test_limit_takes_the_first_pairs(pair_folder):
    assert [pair.id for pair in make(pair_folder, limit=2).datasets[0].pairs] == ["0", "1"]


def test_without_data_sets_the_demo_set_is_used(tmp_path):
    config = build({"methods": ["average"], "data_root": tmp_path, "limit": 1})
    assert [data.label for data in entries.plan_datasets(config)] == ["demo"]


def test_a_data_set_that_is_not_there_says_how_to_bring_it(tmp_path):
    config = build({"methods": ["average"], "datasets": ["msrs"], "data_root": tmp_path})
    with pytest.raises(DataError, match="uaabench data prepare msrs"):
        list(entries.plan_datasets(config))


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["tradal"], "did you mean 'tardal'"),
        (["nothing*"], "No method matches 'nothing\\*'"),
        (["mine=nowhere/"], "no folder nowhere"),
        (["average=."], "needs a label of its own"),
        (["average@best.pt"], "has no weights"),
        (["uaa@nowhere.pt"], "no weights file nowhere.pt"),
    ],
)
def test_a_wrong_method_is_explained(pair_folder, methods, message):
    with pytest.raises(UsageError, match=message):
        make(pair_folder, methods)


def test_two_rows_may_not_share_a_label(pair_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UsageError, match="Two methods would be called 'x'"):
        make(pair_folder, [f"x={pair_folder}", f"x={other}"])


def test_fused_images_made_elsewhere_are_keyed_by_their_content(pair_folder, tmp_path):
    fused = tmp_path / "fused"
    fused.mkdir()
    cv2.imwrite(str(fused / "0.png"), np.zeros((48, 64), np.uint8))
    before = make(pair_folder, [f"x={fused}"]).units["fuse"][0].key
    cv2.imwrite(str(fused / "0.png"), np.ones((48, 64), np.uint8))
    assert make(pair_folder, [f"x={fused}"]).units["fuse"][0].key != before


def test_a_plan_says_everything_that_was_resolved(pair_folder):
    given = {
        "methods": ["average", "laplacian"],
        "datasets": [f"mine={pair_folder}"],
        "floor": False,
        "metrics": ["EN"],
    }
    config = build(given)
    planned = plan.make(config, "cuda")
    assert planned.config == config
    assert [method.label for method in planned.methods] == ["average", "laplacian"]
    assert [data.label for data in planned.datasets] == ["mine"]
    assert planned.profile.name == "cddfuse"
    assert [metric.name for metric in planned.metrics] == ["EN"]
    assert planned.device == "cuda"


def test_stages_that_have_something_to_do_follow_one_another(pair_folder):
    planned = make(pair_folder, ["average", "laplacian"])
    # No label maps: nothing to segment.
    assert [stage.name for stage in planned.stages] == ["fuse", "score"]
    assert set(planned.units) == {"fuse", "score"}
    assert [unit.name for unit in planned.of()] == [
        "fuse average on mine all", "fuse laplacian on mine all", "score average on mine all",
        "score laplacian on mine all",
    ]  # fmt: skip
    assert planned.of(["score"]) == list(planned.units["score"])
    assert [unit.fused for unit in planned.units["score"]] == list(planned.units["fuse"])
    assert planned.of([]) == []


def test_the_key_of_a_plan_is_that_of_all_its_units(pair_folder):
    one, two = make(pair_folder), make(pair_folder, metrics=["EN"])
    assert one.key == make(pair_folder).key
    assert one.key != two.key
    assert len(one.key) == 64


def test_metrics_are_those_of_the_profile_unless_named(pair_folder):
    assert [metric.name for metric in make(pair_folder).metrics] == ["EN", "SD", "SF", "VIF", "Qabf"]
    assert [metric.name for metric in make(pair_folder, profile="tang").metrics] != ["EN", "SD", "SF", "VIF", "Qabf"]


def test_options_are_taken_by_methods_of_the_run_and_by_stages(pair_folder):
    assert make(pair_folder, ["uaa"], options={"uaa": {"stretch": False}}).methods[0].options == {"stretch": False}
    with pytest.raises(UsageError, match="'uaa', which is not in this run"):
        make(pair_folder, ["average"], options={"uaa": {"stretch": False}})
    # Images fused elsewhere were fused with options that nobody here knows.
    with pytest.raises(UsageError, match="'theirs', which is not in this run"):
        make(pair_folder, [f"theirs={pair_folder / 'ir'}"], options={"theirs": {"stretch": False}})
    with pytest.raises(UsageError, match="'score' takes no options"):
        make(pair_folder, options={"score": {"x": 1}})
