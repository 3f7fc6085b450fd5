"""The contracts between the harness and what it runs: pairs, cards, fusion methods and data sets.

Importing this module must stay cheap: it imports neither torch nor pandas, so that `uaabench list` answers at once.
"""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from uaabench.core.arrays import ByteImage
from uaabench.core.boxes import Boxes
from uaabench.core.errors import DataError, UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MethodKind = Literal["trivial", "classical", "learned", "precomputed"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One registered infrared and visible image, with its label map and the boxes of its objects if there are any.

    Attributes:
        id: Stable name of the pair within its data set: the file stem.
        ir: The infrared image; the file may be missing, which reading reports.
        vi: The visible image, likewise.
        label: The label map, or None for a pair without one.
        boxes: The files that hold its boxes, by version, the usual one first; most data sets have one version, and a
            file may hold the boxes of all pairs. Empty for a pair without boxes.
        previous: Id of the pair that shows the frame before, for frames of a video; empty for the first one and for
            images that are no frames.
    """

    id: str
    ir: Path
    vi: Path
    label: Path | None = None
    boxes: Mapping[str, Path] = field(default_factory=dict, hash=False)
    previous: str = ""

    def __post_init__(self) -> None:
        if self.id in ("", ".", "..") or "/" in self.id or "\0" in self.id:
            raise DataError(f"{self.id!r} cannot be the id of a pair, as its results are kept in files of that name.")


@dataclass(frozen=True, slots=True)
class Sources:
    """The two images of a pair as the fusion methods get them: `ir` (H,W) and `vi` (H,W,3) RGB, both uint8."""

    ir: ByteImage
    vi: ByteImage


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A published checkpoint of a learned method, known by its hash.

    Attributes:
        sha256: Hash of the file; of a checkpoint in several files the hash of their sorted hashes, a line each; empty
            where nobody has published it, so that the first fetch pins it.
        git_blob: Name that git gives the file at the commit of its address, by which a file is known whose hash nobody
            has published.
        parts: Hashes of its files where it has several.
        source: Page the authors link it from.
        urls: Address of the file, or of each file in the order of `parts`, at a commit that does not move; empty where
            there is none.
        note: What a user must know, for example which run of the paper it is.
        options: Keyword arguments the method needs to run this file as its authors do.
    """

    sha256: str
    source: str
    git_blob: str = ""
    urls: tuple[str, ...] = ()
    note: str = ""
    parts: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MethodCard:
    """The immutable facts of a fusion method.

    Attributes:
        name: Name on the command line.
        title: Name in tables.
        kind: trivial, classical, learned or precomputed.
        family: What it is related to by how it works, such as `unfolding` or `transformer`; empty for trivial rules.
        version: Raised whenever the fused images change; part of every cache key.
        summary: What it does, in one sentence.
        reference: Authors, title, venue; empty for trivial rules.
        bibtex: The publication as a BibTeX entry; empty for trivial rules.
        year: Year of publication, None for trivial rules.
        venue: Short name of the venue.
        url: DOI or home page.
        licence: Licence of the authors' code, where it matters for their weights.
        postprocessing: What happens to the network output before it is quantised.
        batches: Whether several pairs may be fused at once; false where a result depends on the others, and where a
            method fuses one after the other anyway.
        parameters: Number of trainable parameters of the shipped configuration.
        colour: Colour in figures, `#rrggbb`; empty where the next free one will do.
        implementation: `module:Class` that carries it out.
        reach: How many pixels around a pixel its value in the fused image depends on, for a method that treats all
            places alike: convolutions without steps. Its large images are fused in strips. None for one that sees the
            whole image, pools it or stretches it.
        objective: `module:Class` of its network with its own loss, for a training within a common budget; empty for
            a method that is not trained so.
        trainer: `module:Class` of the `uaabench.training.trainer.Trainer` that trains it by a loop of its own.
        explains: What its segmenter says of a fusion, also of another method's; empty where it offers no `explain`.
        checkpoints: Published checkpoints by name.
    """

    name: str
    title: str
    kind: MethodKind
    version: int
    summary: str
    family: str = ""
    reference: str = ""
    bibtex: str = ""
    year: int | None = None
    venue: str = ""
    url: str = ""
    licence: str = ""
    postprocessing: str = "none"
    batches: bool = True
    parameters: int | None = None
    colour: str = ""
    implementation: str = ""
    reach: int | None = None
    objective: str = ""
    trainer: str = ""
    explains: str = ""
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.reach is not None and (type(self.reach) is not int or self.reach < 0):
            raise UsageError(
                f"The card of '{self.name}' has the reach {self.reach!r}; give how many pixels around a pixel the "
                "method looks at, a whole number from 0 on, or leave it out."
            )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a card from a TOML file.

        Raises:
            UsageError: The file has an entry that no card has, or lacks one that every card needs.
        """
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        checkpoints = {
            name: Checkpoint(**{**entry, **{key: tuple(entry.get(key, ())) for key in ("parts", "urls")}})
            for name, entry in content.pop("checkpoints", {}).items()
        }
        unknown = content.keys() - {entry.name for entry in fields(cls)}
        if unknown:
            raise UsageError(f"The card {path} has the unknown entry '{min(unknown)}'; see MethodCard for the names.")
        try:
            return cls(**content, checkpoints=checkpoints)
        except TypeError as error:
            raise UsageError(f"The card {path} is incomplete: {error}.") from error

    @classmethod
    def beside(cls, module_file: str) -> Self:
        """Read the card that lies beside a method's module: `tardal.toml` beside `tardal.py`."""
        module = Path(module_file)
        stem = module.parent if module.name == "__init__.py" else module.with_suffix("")
        return cls.read(stem.with_suffix(".toml"))


class FusionMethod(ABC):
    """Something that turns registered pairs into fused images.

    A subclass gives its `card` and `fuse`; learned methods also override `load`. Keyword arguments of the constructor
    are the method's options, all with defaults. A method with a segmenter inside may also offer `explain`, as
    `uaabench.methods.explanation.Explains` describes it; there is no default.
    """

    card: ClassVar[MethodCard]

    def load(self, weights: Path | None, device: torch.device) -> None:  # noqa: B027 - most methods load nothing
        """Get ready to fuse on `device`; called once, before the first `fuse`.

        Args:
            weights: File with the weights, the folder of a checkpoint in several files, or None for a method that
                has none.
            device: Where the tensors given to `fuse` will be.

        Raises:
            WeightsError: The file is no checkpoint of this method.
        """

    @abstractmethod
    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch; the result for an image must not depend on the others in its batch.

        Args:
            ir: Infrared, (B,1,H,W), float32 in [0,1].
            vi: Visible RGB, (B,3,H,W), float32 in [0,1].

        Returns:
            Fused images in [0,1]: (B,1,H,W) luminance or (B,3,H,W) RGB.
        """


class LuminanceMethod(FusionMethod):
    """A method that fuses infrared with the luminance of the visible image; the chroma stays as it is."""

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse infrared with the BT.601 luminance of the visible image; see `FusionMethod.fuse`."""
        return self.fuse_luminance(ir, luminance(vi))

    @abstractmethod
    def fuse_luminance(self, ir: Tensor, y: Tensor) -> Tensor:
        """Fuse two (B,1,H,W) images in [0,1] into one of the same shape and range."""


def luminance(rgb: Tensor) -> Tensor:
    """BT.601 luminance, full range, unrounded: (B,3,H,W) in [0,1] to (B,1,H,W) in [0,1]."""
    red, green, blue = rgb[:, :1], rgb[:, 1:2], rgb[:, 2:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a data set's label maps; its value is its position in the card's list."""

    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class DatasetCard:
    """The immutable facts of a data set.

    Attributes:
        name: Name on the command line.
        title: Name in tables.
        version: Raised whenever the adapter yields other images or labels.
        summary: What it holds, in one sentence.
        splits: Expected number of pairs of each split, None where it varies.
        default_split: The split that is benchmarked unless another is named.
        image_size: (height, width), None where it varies.
        classes: Classes of the label maps in the order of their values; empty for a set without labels.
        ignore_index: Label value that never counts under any protocol; 255 unless another is named.
        box_classes: Names of the classes of the boxes in the order of their labels; empty for a set without boxes, or
            whose own files name them.
        reference: Authors, title, venue.
        homepage: Where the data can be had.
        licence: What is known of the terms of use.
    """

    name: str
    title: str
    version: int
    summary: str
    splits: Mapping[str, int | None]
    default_split: str
    image_size: tuple[int, int] | None = None
    classes: tuple[LabelClass, ...] = ()
    ignore_index: int = 255
    box_classes: tuple[str, ...] = ()
    reference: str = ""
    homepage: str = ""
    licence: str = "no terms of redistribution stated"


class FusionDataset(ABC):
    """A set of registered pairs in a folder.

    Args:
        root: Folder of the data set, as `locate` found it or as the user named it.
    """

    card: ClassVar[DatasetCard]

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    @abstractmethod
    def locate(cls, data_root: Path) -> Path | None:
        """Find the folder of this data set below a data root; None if it is not there."""

    @abstractmethod
    def pairs(self, split: str) -> list[Pair]:
        """List the pairs of a split, sorted by id; a pair of which one image is missing is listed too.

        Raises:
            UsageError: The data set has no such split.
            AbsentError: The folders of the split are not there.
            DataError: Which images are meant is in doubt.
        """

    def content_hash(self, path: Path, sha256: str) -> str:  # noqa: ARG002 - for those that override it
        """Hash of what an image or label map shows, by which results are kept and rows of others are found to be of it.

        That of its file, unless overridden where the files are made on each machine and may be encoded differently.

        Args:
            path: The file.
            sha256: Hash of the file; empty where it cannot be read.
        """
        return sha256

    def read(self, pair: Pair) -> Sources:
        """Read both images of a pair.

        Raises:
            DataError: A file is missing or unreadable, or the two differ in size.
        """
        from uaabench.core import imaging

        sources = Sources(imaging.read_grey(pair.ir), imaging.read_rgb(pair.vi))
        if sources.ir.shape != sources.vi.shape[:2]:
            raise DataError(
                f"{pair.ir} is {imaging.size_text(sources.ir)} but {pair.vi} is {imaging.size_text(sources.vi)}; "
                "the two images of a pair must be registered and of one size."
            )
        return sources

    def read_label(self, pair: Pair) -> ByteImage | None:
        """Read the label map of a pair, (H,W) class indices; None for a pair without one.

        Raises:
            DataError: The file is unreadable, not of one channel, or not of the size of the images.
        """
        if pair.label is None:
            return None
        from uaabench.core import decoding, imaging

        label = imaging.read_label(pair.label)
        height, width = decoding.size(pair.ir)
        if label.shape != (height, width):
            raise DataError(
                f"{pair.label} is {imaging.size_text(label)} but {pair.ir} is {width}x{height}; "
                "a label map has the size of its images."
            )
        return label

    @property
    def box_classes(self) -> tuple[str, ...]:
        """Names of the classes of the boxes in the order of their labels; empty for a set without boxes.

        Raises:
            DataError: A file that names them cannot be read.
        """
        return self.card.box_classes

    def read_boxes(self, pair: Pair, version: str = "") -> Boxes | None:  # noqa: ARG002 - for those that override it
        """Read the boxes of a pair; None for a pair without any in this version.

        Args:
            pair: The pair.
            version: One of those of the pair; the usual one unless given.

        Raises:
            DataError: The file is unreadable, or holds what is no box of this image.
        """
        if pair.boxes:
            raise DataError(
                f"The adapter of '{self.card.name}' names files of boxes for the pair '{pair.id}' but reads none; "
                "define its `read_boxes`."
            )
        return None
