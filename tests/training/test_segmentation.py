"""Training of segmenters on a few pairs of the demo: what goes on, what is kept, and what the card says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from uaabench.core.errors import DataError, UsageError
from uaabench.judges.segmentation.confusion import confusion, scores
from uaabench.judges.segmentation.protocols import protocol
from uaabench.judges.segmentation.segmenters import Segmenter, read_card, resolve
from uaabench.training.images import choose
from uaabench.training.runner import SegmenterRecipe
from uaabench.training.segmentation import train

RECIPE = SegmenterRecipe(steps=6, batch=2, crop=(64, 64), checkpoint_every=3)


@pytest.fixture
def names(tmp_path):
    """A file with the ids of the first six training pairs."""
    file = tmp_path / "names.txt"
    file.write_text("\n".join(pair.id for pair in choose("demo", tmp_path, held_out=0).pairs[:6]))
    return file


@pytest.fixture
def images(tmp_path, names):
    return choose("demo", tmp_path, names=names, held_out=2)


def stop_after_step_three(folder):
    """Leave what a kill after the first checkpoint leaves behind."""
    (folder / "mmengine" / "iter_6.pth").unlink()
    (folder / "mmengine" / "last_checkpoint").write_text(str(folder / "mmengine" / "iter_3.pth"))
    (folder / "segmenter.safetensors").unlink()
    (folder / "segmenter.json").unlink()


@pytest.mark.parametrize("network", ["resnet18-segformer", "segformer-b0"])
def test_a_training_that_goes_on_ends_bit_for_bit_where_an_undisturbed_one_does(tmp_path, images, network, one_thread):
    recipe = replace(RECIPE, network=network)
    file = train(images, recipe, tmp_path / "judge")
    undisturbed = file.read_bytes()
    stop_after_step_three(tmp_path / "judge")
    steps = []
    train(images, recipe, tmp_path / "judge", report=lambda step, _: steps.append(step))
    assert steps == [6]
    assert file.read_bytes() == undisturbed


def test_the_card_states_miou_on_the_pairs_that_were_held_out(tmp_path, images):
    file = train(images, RECIPE, tmp_path / "judge")
    card = read_card(file)
    assert card.trained_on == "Demo train, 4 pairs, visible"
    segmenter = Segmenter(resolve(str(file)), card.classes, torch.device("cpu"))
    matrices = []
    for pair in images.held_out:
        (predicted,) = segmenter.predict([images.dataset.read(pair).vi])
        matrices.append(confusion(predicted, images.dataset.read_label(pair), protocol("msrs-9")))
    expected = scores(sum(matrices), protocol("msrs-9")).mean_iou
    assert card.validation == f"mIoU {expected:.4f} on 2 pairs held out (msrs-9)"


def test_an_export_segments_images_of_any_size_in_any_batch(tmp_path, images):
    file = train(images, RECIPE, tmp_path / "judge")
    segmenter = Segmenter(resolve(str(file)), protocol("msrs-9").classes, torch.device("cpu"))
    odd = np.zeros((75, 101, 3), np.uint8)
    seen = [images.dataset.read(images.pairs[0]).vi, odd, images.dataset.read(images.pairs[1]).vi]
    together = segmenter.predict(seen)
    assert [label.shape for label in together] == [image.shape[:2] for image in seen]
    for image, label in zip(seen, together, strict=True):
        assert (segmenter.predict([image])[0] == label).mean() > 0.999


def test_a_finished_training_is_kept_and_its_folder_is_no_place_for_another(tmp_path, images):
    file = train(images, RECIPE, tmp_path / "judge")
    made = file.stat().st_mtime_ns
    assert train(images, RECIPE, tmp_path / "judge").stat().st_mtime_ns == made
    with pytest.raises(UsageError, match="other data or settings"):
        train(replace(images, on="infrared"), RECIPE, tmp_path / "judge")


def test_pairs_are_chosen_by_name_and_some_held_out_the_same_ones_every_time(tmp_path, names, images):
    assert len(images.pairs) == 4
    assert len(images.held_out) == 2
    assert images.held_out == choose("demo", tmp_path, names=names, held_out=2, on="infrared").held_out
    chosen = [pair.id for pair in (*images.pairs, *images.held_out)]
    assert sorted(chosen) == sorted(names.read_text().split())
    # A tenth of the 64 pairs, and none of six.
    assert len(choose("demo", tmp_path).held_out) == 6
    assert choose("demo", tmp_path, names=names).held_out == []


def test_a_choice_without_pairs_is_explained(tmp_path, names):
    with pytest.raises(UsageError, match="6 cannot be held out"):
        choose("demo", tmp_path, names=names, held_out=6)
    names.write_text("nowhere")
    with pytest.raises(UsageError, match="None of the 1 names"):
        choose("demo", tmp_path, names=names)
    names.write_text("0001D\nnowhere")
    with pytest.raises(UsageError, match="names 'nowhere', which is no pair of demo train"):
        choose("demo", tmp_path, names=names)
    with pytest.raises(UsageError, match="No such file"):
        choose("demo", tmp_path, names=tmp_path / "missing.txt")


def test_data_without_labels_cannot_train_a_segmenter(uaabench, shared):
    result = uaabench("train", "segmenter", "--dataset", "tno:all", "--data-root", shared / "data")
    assert result.code == DataError.exit_code
    assert "no label maps" in result.err
