"""What methods share that are one network with published weights: reading a checkpoint and loading it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from uaabench.core import weights as weight_files
from uaabench.core.checkpoints import read_checkpoint, tensors_of
from uaabench.core.errors import MethodError, WeightsError
from uaabench.core.interface import FusionMethod

State = dict[str, Tensor]
# float32 holds nothing smaller at full precision, and CPUs take a slow path for such numbers.
DENORMAL = 1e-30
# A file of another network has hundreds of entries that do not fit.
ENTRIES_SHOWN = 3


class NetworkMethod(FusionMethod):
    """A method that is one network; a subclass gives its card, its network and `fuse`.

    Args:
        network: The network, whose entries are named as in the authors' checkpoint.

    Attributes:
        parts: Parts of the network that the authors' file holds apart, each a set of tensors under this name.
    """

    parts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def load(self, weights: Path | None, device: torch.device) -> None:
        """Load an official checkpoint or shipped weights; see `FusionMethod.load`."""
        card = self.card
        if weights is None:
            known = ", ".join(f"{card.name}@{name}" for name in card.checkpoints)
            raise WeightsError(
                f"{card.title} needs weights: name them as {card.name}@PATH{f' or {known}' if known else ''}; "
                "'uaabench weights list' says where to get them."
            )
        state = self.adapt(flush_denormals(read_state(weights, card.title, self.parts)))
        try:
            self._network.load_state_dict(state)
        except RuntimeError as error:
            reason = _shortened(str(error).splitlines()[-1].strip())
            raise WeightsError(f"{weights} does not fit {card.title}: {reason}") from error
        # In this layout convolutions of these networks take half of the time on a processor.
        self._network.to(device).to(memory_format=torch.channels_last).eval()

    def adapt(self, state: State) -> State:
        """Bring the entries of a checkpoint to those of the network, or the network to them.

        They are the same unless a method says more.
        """
        return state


def _shortened(reason: str) -> str:
    """What torch says of entries that do not fit, with the first ones and how many there are more."""
    entries = reason.split('", "')
    if len(entries) <= ENTRIES_SHOWN:
        return reason
    return '", "'.join(entries[:ENTRIES_SHOWN]) + f'" and {len(entries) - ENTRIES_SHOWN} more.'


class ScriptMethod(NetworkMethod):
    """A network run as its authors' script runs it: one image at a time.

    Truncation to 8 bit turns the last bit of a sum into a grey level, and in a batch sums come in another order.

    Attributes:
        smallest: Rows and columns that an image needs for the network to have something to pad by or to pool.
    """

    smallest: ClassVar[int] = 1

    def fuse(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse each image of the batch on its own; see `FusionMethod.fuse`.

        Raises:
            MethodError: The images are smaller than the network can fuse.
        """
        height, width = ir.shape[2:]
        if min(height, width) < self.smallest:
            side = f"{self.smallest}x{self.smallest}"
            raise MethodError(f"{self.card.title} needs images of at least {side} pixels, not {width}x{height}.")
        return torch.cat([self.fuse_image(ir[i : i + 1], vi[i : i + 1]) for i in range(len(ir))])

    @abstractmethod
    def fuse_image(self, ir: Tensor, vi: Tensor) -> Tensor:
        """Fuse a batch of one image, (1,1,H,W) and (1,3,H,W), as `FusionMethod.fuse` does."""


def read_state(path: Path, title: str, parts: Sequence[str] = ()) -> State:
    """The tensors of shipped weights (safetensors), of a torch file, or of a folder of torch files.

    Args:
        path: The file or folder.
        title: Name of the method, for messages.
        parts: Sets of tensors that a torch file holds; see `tensors_of`.

    Raises:
        WeightsError: It cannot be read, holds no tensors by name, or some that are not finite.
    """
    if path.is_dir():
        return _joined([read_state(part, title, parts) for part in sorted(path.iterdir())], path)
    if path.suffix == ".safetensors":
        return weight_files.read(path)[0]
    return tensors_of(read_checkpoint(path, title), path, title, parts)


def _joined(parts: Sequence[State], folder: Path) -> State:
    """The entries of all files of a folder."""
    joined = {key: value for part in parts for key, value in part.items()}
    if not joined or len(joined) < sum(map(len, parts)):
        raise WeightsError(
            f"The files in {folder} hold no entries, or one in two of them; leave only those that belong."
        )
    return joined


def flush_denormals(tensors: State) -> State:
    """Set denormal weights to zero.

    Two thirds of TarDAL's `ct` file and 7 % of LRRNet's are dead weights around 1e-40. The images are the same bit for
    bit without them, and a CPU is up to 20 times faster. `torch.set_flush_denormal` would do it too, but for the whole
    process of the user.
    """
    return {key: torch.where(value.abs() < DENORMAL, torch.zeros_like(value), value) for key, value in tensors.items()}
