"""The transformer blocks that DATFuse, YDTR and ITFuse share, as their released code runs them.

Windows there are of one token, so that attention has a single key and comes down to a projection of its values; and the
feature maps are not permuted to tokens but read as they lie in memory: a token is a run of consecutive values.
"""

from __future__ import annotations

from torch import Tensor, nn

from uaabench.baselines.network import State


class MemoryTransformer(nn.Module):
    """Blocks one after another on features (B,C,H,W).

    Args:
        width: C, the length of a token.
        hidden: Width of the hidden layer behind the attention.
        blocks: How many blocks.
    """

    def __init__(self, width: int, hidden: int, *, blocks: int = 2) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width, hidden) for _ in range(blocks))

    def forward(self, features: Tensor) -> Tensor:
        """Same shape in and out."""
        batch, channels, height, width = features.shape
        tokens = features.contiguous().view(batch, height * width, channels)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.view(batch, channels, height, width)


class _Block(nn.Module):
    """Projected values and a hidden layer, each added to the tokens."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.ModuleDict({"value": nn.Linear(width, width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        """(B,N,width) to the same."""
        tokens = tokens + self.attn["proj"](self.attn["value"](self.norm1(tokens)))
        changed: Tensor = tokens + self.mlp["fc2"](nn.functional.gelu(self.mlp["fc1"](self.norm2(tokens))))
        return changed


def keep_used(state: State, unused: tuple[str, ...] = ()) -> State:
    """The entries of a release that take part: the values of each attention, nothing of its queries, keys and biases.

    Args:
        state: Entries of the authors' file.
        unused: Begins of further entries that their network never applies.
    """
    found = {}
    for key, value in state.items():
        if key.startswith(("patch_embed.", *unused)) or "relative_position" in key:
            continue
        found[key.replace(".qkv.", ".value.")] = value[-len(value) // 3 :] if ".qkv." in key else value
    return found
