"""Weights are known by their hash."""

import json

import pytest
import torch
from safetensors.torch import save_file

from uaabench.core import weights
from uaabench.core.errors import UsageError, WeightsError
from uaabench.core.interface import Checkpoint, MethodCard

# SHA-256 of the five bytes "hello", from FIPS 180 test tools.
HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def card():
    checkpoint = Checkpoint(sha256=HELLO, source="https://example.org/net", options={"mode": "slow"})
    return MethodCard(
        name="net", title="Net", kind="learned", version=1, summary="a network", checkpoints={"paper": checkpoint}
    )


@pytest.fixture
def hello(tmp_path):
    path = tmp_path / "download.pth"
    path.write_text("hello")
    return path


def test_an_added_checkpoint_is_found_by_its_name_with_its_options(card, hello):
    assert weights.add(card, hello) == ["paper"]
    found = weights.resolve(card, "paper")
    found.verify()
    assert (found.sha256, found.track, found.options) == (HELLO, "official", {"mode": "slow"})


def test_the_path_of_a_known_checkpoint_is_recognised_by_hash(card, hello):
    found = weights.resolve(card, str(hello))
    assert (found.name, found.track, found.options) == ("paper", "official", {"mode": "slow"})


def test_a_file_of_the_users_own_is_custom(card, tmp_path):
    (tmp_path / "mine.pt").write_text("other")
    assert weights.resolve(card, str(tmp_path / "mine.pt")).track == "custom"


def test_a_file_with_another_hash_is_not_added(card, tmp_path):
    (tmp_path / "other.pth").write_text("other")
    with pytest.raises(WeightsError, match="no known checkpoint of net; known are: paper"):
        weights.add(card, tmp_path / "other.pth")


def test_a_checkpoint_changed_after_it_was_added_is_refused(card, hello):
    weights.add(card, hello)
    stored = weights.stored(card.checkpoints["paper"])
    stored.write_text("changed")
    with pytest.raises(WeightsError, match="instead of 2cf24dba5fb0"):
        weights.resolve(card, "paper").verify()
    stored.unlink()


def test_a_checkpoint_that_is_not_here_names_its_source(card):
    with pytest.raises(WeightsError, match=r"https://example.org/net and run: uaabench weights add net FILE"):
        weights.resolve(card, "paper")


def test_a_typo_in_the_checkpoint_gets_the_nearest_name(card):
    with pytest.raises(UsageError, match="did you mean 'paper'"):
        weights.resolve(card, "papr")


def test_a_trivial_method_takes_no_weights():
    card = MethodCard(name="average", title="Average", kind="trivial", version=1, summary="mean")
    with pytest.raises(UsageError, match="has no weights"):
        weights.resolve(card, "best.pt")


def test_export_keeps_half_precision_values_configuration_and_hash(tmp_path, card):
    facts = weights.WeightsCard(
        method="net", version=1, data=["demo train, 64 pairs"], recipe="none", steps=0, minutes=0.0, hardware="none",
        seed=0, parameters=3,
    )  # fmt: skip
    path = tmp_path / "net.safetensors"
    weights.export(path, {"w": torch.tensor([0.5, -2.0, 0.25]), "n": torch.tensor(7)}, facts, {"width": 3})
    tensors, config = weights.read(path)
    assert tensors["w"].tolist() == [0.5, -2.0, 0.25]
    assert tensors["w"].dtype == torch.float32
    assert (tensors["n"].item(), config) == (7, {"width": 3})
    assert weights.sha256(path) in path.with_suffix(".json").read_text()


def test_what_half_precision_cannot_hold_is_kept_in_single(tmp_path, card):
    facts = weights.WeightsCard(
        method="net", version=1, data=[], recipe="none", steps=0, minutes=0.0, hardware="none", seed=0, parameters=1
    )
    path = tmp_path / "net.safetensors"
    weights.export(path, {"variance": torch.tensor([70_000.0, 1.0])}, facts, {})
    assert weights.read(path)[0]["variance"].tolist() == [70_000.0, 1.0]


def test_a_file_that_is_not_safetensors_is_refused(tmp_path):
    (tmp_path / "a.safetensors").write_text("hello")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        weights.read(tmp_path / "a.safetensors")


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    save_file({"a": torch.zeros(2), "b": torch.tensor([0.0, value]).half()}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"a\.safetensors holds values that are NaN or infinite, in b;"):
        weights.read(tmp_path / "a.safetensors")


@pytest.mark.parametrize(("config", "message"), [("{", "not a safetensors file of uaabench"), ("[1]", "no mapping")])
def test_weights_with_a_broken_configuration_are_refused(tmp_path, config, message):
    save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors", {"config": config})
    with pytest.raises(WeightsError, match=message):
        weights.read(tmp_path / "a.safetensors")


CARD = {
    "method": "net", "version": 1, "data": [], "recipe": "", "steps": 0, "minutes": 0, "hardware": "", "seed": 0,
    "parameters": 1,
}  # fmt: skip


def test_a_card_is_read_as_it_was_written(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(CARD))
    assert weights.card_of(tmp_path / "a.safetensors") == weights.WeightsCard(**CARD)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "a.json is broken: Invalid JSON"),
        (b"", "a.json is broken: Invalid JSON"),
        (b"\xff\xfe", "a.json is broken"),
        (b"[1]", "a.json is broken"),
        (json.dumps(CARD | {"colour": 1}).encode(), "a.json is broken in 'colour'"),
        (json.dumps(CARD | {"version": "1"}).encode(), "a.json is broken in 'version'"),
        (json.dumps({key: CARD[key] for key in CARD if key != "seed"}).encode(), "a.json is broken in 'seed'"),
        (b"[" * 100_000, "a.json is broken"),
        (None, "Cannot read the card"),
    ],
)
def test_a_broken_card_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        weights.card_of(tmp_path / "a.safetensors")
