import pytest

from uaabench.baselines.uaa.training import recipe
from uaabench.core.errors import UsageError
from uaabench.training.settings import parse_changes


@pytest.mark.parametrize("name", recipe.names())
def test_every_built_in_recipe_is_valid(name):
    assert recipe.read(name).name == name


def test_changes_take_precedence_and_are_read_as_yaml():
    changes = parse_changes(["joint.steps=7", "network.memory=false", "data=[demo]"])
    changed = recipe.read("sharp", changes)
    assert (changed.joint.steps, changed.network.memory, changed.data) == (7, False, ["demo"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("joint.steps=none", "'joint.steps'.*valid integer"),
        ("joint.stepps=3", "'joint.stepps'"),
        ("network.depth=3", "'network.depth'"),
        ("network.base=smal", "no network 'smal'"),
        ("loss.gradient=-1", "'loss.gradient'"),
        ("joint.steps", "changes nothing"),
        ("seed.steps=3", "'seed'"),
    ],
)
def test_a_wrong_entry_is_named(change, problem):
    with pytest.raises(UsageError, match=problem):
        recipe.read("sharp", parse_changes([change]))


def test_an_unknown_recipe_gets_the_nearest_name():
    with pytest.raises(UsageError, match="sharp"):
        recipe.read("sharpp")


def test_a_recipe_file_needs_no_entry_and_is_called_by_its_stem(tmp_path):
    (tmp_path / "mine.yaml").write_text("joint: {steps: 3}\n")
    assert recipe.read(str(tmp_path / "mine.yaml")).name == "mine"


def test_a_network_can_be_named_and_changed():
    network = recipe.read("sharp", parse_changes(["network.base=released", "network.memory=false"])).network
    assert (network.channels, network.data_step, network.memory) == (32, False, False)
