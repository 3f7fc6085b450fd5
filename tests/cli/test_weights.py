"""`weights verify` and `doctor` call broken weights broken, whoever brought them and however they are broken."""

import json
import shutil

import pytest

from uaabench.core import registry, weights
from uaabench.core.interface import Checkpoint, MethodCard
from uaabench.judges.detection import trained
from uaabench.judges.segmentation import segmenters


def swap_a_byte(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def break_card(file):
    file.with_suffix(".json").write_text("{")


def add_to_card(file):
    card = file.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"colour": 1}))


BREAKS = {
    "changed": swap_a_byte,
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "empty": lambda file: file.write_bytes(b""),
    "missing": lambda file: file.unlink(),
    "no card": lambda file: file.with_suffix(".json").unlink(),
    "card no JSON": break_card,
    "card with another entry": add_to_card,
}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Copies of the smallest shipped weights and of the shipped segmenter, in the place of all."""
    # No weights that another test has added.
    monkeypatch.setenv("UAABENCH_HOME", str(tmp_path / "home"))
    folders = {}
    for name, module, stem in (
        ("methods", weights, "mmdrfuse"),
        ("segmenters", segmenters, "demo"),
        ("detectors", trained, "demo"),
    ):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        for suffix in (".safetensors", ".json"):
            shutil.copy(module.shipped_folder() / f"{stem}{suffix}", folders[name])
        monkeypatch.setattr(module, "shipped_folder", lambda folder=folders[name]: folder)
    return {
        "mmdrfuse": folders["methods"] / "mmdrfuse.safetensors",
        "segmenter demo": folders["segmenters"] / "demo.safetensors",
        "detector demo": folders["detectors"] / "demo.safetensors",
    }


def test_sound_weights_are_called_sound(uaabench, shipped):
    assert uaabench("weights", "verify").out.splitlines() == [f"ok    {name}" for name in shipped]
    found = uaabench("doctor")
    assert found.code == 0
    assert all(f"ok       {name} weights: shipped, hash right" in found.out for name in shipped)


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("name", ["mmdrfuse", "segmenter demo"])
def test_broken_shipped_weights_are_called_broken(uaabench, shipped, name, how):
    BREAKS[how](shipped[name])
    verified, examined = uaabench("weights", "verify"), uaabench("doctor")
    assert (verified.code, examined.code) == (4, 4)
    assert f"WRONG {name}:" in verified.out
    assert f"broken   {name} weights:" in examined.out
    assert examined.out.count("\nbroken ") == 1


def test_an_added_checkpoint_that_was_changed_is_called_broken(uaabench, tmp_path, monkeypatch, shipped):
    file = tmp_path / "net.pth"
    file.write_text("hello")
    checkpoint = Checkpoint(sha256=weights.sha256(file), source="https://example.org")
    card = MethodCard(
        name="net", title="Net", kind="learned", version=1, summary="a network", checkpoints={"paper": checkpoint}
    )
    monkeypatch.setattr(registry, "method_cards", lambda: {"net": card})
    weights.add(card, file)
    assert "ok       net@paper weights: added, hash right" in uaabench("doctor").out
    weights.stored(checkpoint).write_text("changed")
    found = uaabench("doctor")
    assert found.code == 4
    assert "broken   net@paper weights:" in found.out
    assert "uaabench weights add net FILE" in found.out
    assert "WRONG net@paper" in uaabench("weights", "verify").out
    weights.stored(checkpoint).unlink()
