"""What `list` says there is."""

import json

import pytest

from uaabench.core import paths, registry

PLUGIN = """
from uaabench.core.interface import Checkpoint, LuminanceMethod, MethodCard

class ByHand(LuminanceMethod):
    card = MethodCard(
        name="byhand", title="By hand", kind="learned", version=1, summary="",
        checkpoints={"paper": Checkpoint(sha256="0" * 64, source="https://example.org")},
    )

    def fuse_luminance(self, ir, y):
        return y
"""


@pytest.fixture
def methods(uaabench, monkeypatch, tmp_path):
    """The rows of `list methods` by name, on a machine without added weights."""
    monkeypatch.setenv("UAABENCH_HOME", str(tmp_path / "home"))
    return lambda *words: {row["name"]: row for row in json.loads(uaabench("list", "methods", "--json", *words).out)}


def test_methods_are_listed_with_the_facts_of_their_cards(methods, uaabench):
    rows = methods()
    assert rows["average"]["kind"] == "trivial"
    assert (rows["tardal"]["venue"], rows["tardal"]["year"], rows["tardal"]["family"]) == ("CVPR", 2022, "adversarial")
    assert "@dt" in rows["tardal"]["weights"]
    assert "UAAFusion" in uaabench("show", "uaa").out


def test_methods_stand_below_their_kind(uaabench):
    heads = {f"{kind}:": kind for kind in ("trivial", "classical", "learned")}
    shown, found = "", {}
    for line in uaabench("list", "methods", columns=200).out.splitlines():
        shown = heads.get(line, shown)
        found[line.partition(" ")[0]] = shown
    assert {name: found[name] for name in registry.method_cards()} == {
        name: card.kind for name, card in registry.method_cards().items()
    }


@pytest.mark.parametrize("name", sorted(registry.method_cards()))
def test_every_method_but_the_trivial_rules_names_its_family_and_year(name):
    card = registry.method_card(name)
    assert (bool(card.family), bool(card.year)) == (card.kind != "trivial",) * 2


def test_a_row_can_be_had_now_where_no_weights_are_needed_or_they_are_shipped_or_were_added(methods):
    rows = methods()
    assert (rows["average"]["now"], rows["gff"]["now"], rows["seafusion"]["now"]) == ("yes", "yes", "yes")
    assert rows["refusion"]["now"] == "fetch"
    (checkpoint,) = registry.method_card("refusion").checkpoints.values()
    paths.weights_folder().mkdir(parents=True)
    (paths.weights_folder() / f"{checkpoint.sha256}.pt").touch()
    assert methods()["refusion"]["now"] == "yes"


def test_weights_that_nobody_offers_for_download_are_to_be_added(methods, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    assert methods("--plugin", tmp_path / "plugin.py")["byhand"]["now"] == "add"


@pytest.mark.parametrize("kind", ["datasets", "metrics", "profiles"])
def test_the_other_kinds_are_listed_too(uaabench, kind):
    names = {"datasets": "msrs", "metrics": "Qabf", "profiles": "cddfuse"}
    assert names[kind] in uaabench("list", kind).out


def test_show_of_a_name_of_a_method_and_a_profile_shows_both(uaabench):
    facts = json.loads(uaabench("show", "cddfuse", "--json").out)
    assert facts["title"] == "CDDFuse"
    assert "Qabf" in facts["profile of this name"]["metrics"]
