"""Explaining one pair of a data set as one method fuses it, whatever kind of method it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from uaabench.core import imaging, registry, weights
from uaabench.core.errors import UsageError
from uaabench.core.interface import DatasetCard, FusionDataset, LabelClass, Pair
from uaabench.methods.explanation import Explains, Explanation, Mask, Unfolds
from uaabench.methods.fusing import load_method, make_fuser, set_seed
from uaabench.methods.named import MethodPlan, plan_method

if TYPE_CHECKING:
    from torch import Tensor

REGIONS: dict[Mask, str] = {
    "scores": "its argmax on the average",
    "joint": "what it finds in either source or the average",
    "labels": "label map",
}


def default_explainer() -> str:
    """Name of the first method whose card says that it explains fusions, and whose weights are here.

    Raises:
        UsageError: There is none.
    """
    cards = registry.method_cards().values()
    ready = [card.name for card in cards if card.explains and weights.comes_with_weights(card)]
    if not ready:
        raise UsageError("No method with weights explains fusions; name one as NAME@FILE.")
    return ready[0]


def explainer_of(method: MethodPlan) -> MethodPlan:
    """The method whose segmenter explains the images of a method: itself where it can, else the default one."""
    explains_itself = method.folder is None and issubclass(registry.method_class(method.card.name), Explains)
    return method if explains_itself else plan_method(default_explainer())


def explain_pair(
    method: MethodPlan, explainer: MethodPlan, dataset: FusionDataset, pair: Pair, *, device: str, labels: bool = False
) -> Explanation:
    """Fuse a pair and explain the result.

    A method that is its own explainer is explained from inside; the artefact of any other one is explained by the
    segmenter of the explainer, with the iterates of a method that unfolds an algorithm.

    Args:
        method: What fuses, or a folder of images that were fused elsewhere.
        explainer: The method whose segmenter explains; see `explainer_of`.
        dataset: Data set of the pair.
        pair: What is fused.
        device: As torch names it.
        labels: Take the label map of the pair for its regions, instead of what the segmenter finds.

    Raises:
        UsageError: The explainer has no segmenter, or the label map is not there or of other classes.
        DataError: An image is missing or unreadable.
        WeightsError: Weights are missing, changed, or do not fit.
    """
    import torch

    set_seed(0)
    sources, place = dataset.read(pair), torch.device(device)
    mask = _one_hot(dataset, pair).to(place) if labels else None
    explaining = load_method(explainer, place)
    if not isinstance(explaining, Explains):
        others = ", ".join(card.name for card in registry.method_cards().values() if card.explains)
        raise UsageError(f"{explainer.card.title} has no segmenter that explains; name a method that has: {others}.")
    ir, vi = (imaging.to_tensor(image).to(place) for image in (sources.ir, sources.vi))
    with torch.no_grad():
        if explainer == method:
            return explaining.explain(ir, vi, mask=mask)
        fused = imaging.to_tensor(make_fuser(method, device=device)(pair, sources)).to(place)
        return explaining.explain(ir, vi, fused=fused, mask=mask, iterates=_iterates(method, ir, vi))


def _iterates(method: MethodPlan, ir: Tensor, vi: Tensor) -> Sequence[Tensor]:
    """The images on the way to the fused one, of a method that unfolds an algorithm; none of any other."""
    if method.folder is not None or not issubclass(registry.method_class(method.card.name), Unfolds):
        return ()
    unfolding = load_method(method, ir.device)
    assert isinstance(unfolding, Unfolds)
    return unfolding.iterates(ir, vi)


def names_of(found: Explanation, card: DatasetCard) -> tuple[str, tuple[LabelClass, ...]]:
    """Names and colours of the segmenter's classes, and the title of the data set that they are of.

    Classes that the segmenter names itself are of no data set, and have the colours of classes of the same names, black
    where there is none. Others are those of the first data set that has as many; nothing where none has. The data set
    of the pair comes first, then all others in the order of `uaabench list datasets`.
    """
    cards = [card, *(registry.dataset_class(name).card for name in registry.dataset_names())]
    if found.names:
        colours = {known.name: known.colour for entry in reversed(cards) for known in entry.classes}
        return "", tuple(LabelClass(name, colours.get(name, (0, 0, 0))) for name in found.names)
    fitting = [entry for entry in cards if len(entry.classes) == found.classes]
    return (fitting[0].title, fitting[0].classes) if fitting else ("", ())


def caption(found: Explanation, method: MethodPlan, explainer: MethodPlan, *, where: str, named_by: str) -> str:
    """What a reader must know to make the same figure, in one line.

    Args:
        found: What is shown.
        method: What fused.
        explainer: Whose segmenter explained.
        where: Data set, split and id of the pair.
        named_by: Title of the data set whose classes are named; may be empty.
    """
    classes = f"{found.classes} classes" + (f" of {named_by}" if named_by else "")
    of = "" if explainer == method else f" of {_with_weights(explainer)}"
    regions = f"regions: {REGIONS[found.mask]}"
    inside = [*([] if found.stages is None else [f"N = {found.stages}"]), *found.facts]
    parts = [_with_weights(method), where, f"segmenter {found.segmenter}{of}, {classes}", regions, f"K = {found.steps}"]
    return "; ".join([*parts, *inside]).replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")


def _with_weights(method: MethodPlan) -> str:
    digest = method.weights.sha256[:12]
    return f"{method.title}, weights {digest}" if digest else method.title


def _one_hot(dataset: FusionDataset, pair: Pair) -> Tensor:
    """The label map of a pair as mask, (1,C,H,W); all 0, hence of region 0, where the label is no class."""
    import torch

    card = dataset.card
    label = dataset.read_label(pair)
    if label is None or not card.classes:
        lacks = "no label map" if label is None else "a label map of unknown classes"
        raise UsageError(f"The pair '{pair.id}' of {card.title} has {lacks}; leave out --labels.")
    values = np.arange(len(card.classes))[:, None, None]
    return torch.from_numpy((label == values)[None].astype(np.float32))
