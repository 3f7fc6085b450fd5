"""Small synthetic triples by whole-number arithmetic, the same on every machine: fused, infrared, visible, uint8."""

import numpy as np

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _wave(position: np.ndarray, period: int) -> np.ndarray:
    """A triangle wave of whole numbers 0..period."""
    return np.abs(position % (2 * period) - period)


def _scene(height: int, width: int) -> Triple:
    """Textured images with a hot square, saturated highlights and black corners; the visible one in colour."""
    y, x = np.indices((height, width))
    texture = (7 * x * x + 13 * y * y + 5 * x * y) % 11
    ir = 40 + 3 * _wave(x + 2 * y, 17) + 2 * _wave(3 * x - y, 23) + 2 * texture
    ir[height // 4 : height // 2, width // 3 : width // 2] += 175
    vi = np.stack(
        [20 + shade * _wave(2 * x + k * y, 19 + k) + 3 * ((5 * x + y * y * (k + 3)) % (13 + k))
         for k, shade in enumerate((5, 6, 4))],
        axis=2,
    )  # fmt: skip
    vi[height // 3 : height // 2, width // 4 : 2 * width // 3] += 120
    vi[: height // 5, : width // 4] = 0
    ir[-height // 6 :, -width // 5 :] = 0
    fused = (4 * ir[:, :, None] + 5 * vi) // 7 + texture[:, :, None] - 4
    fused, ir, vi = (np.clip(image, 0, 255) for image in (fused, ir, vi))
    return _decided(fused).astype(np.uint8), ir.astype(np.uint8), _decided(vi).astype(np.uint8)


def _decided(colour: np.ndarray) -> np.ndarray:
    """The same without pixels whose luminance lies near a half, which each library rounds in its own way."""
    thousandths = colour @ np.array([299, 587, 114]) % 1000
    step = np.where(colour[:, :, 2] == 255, -1, 1) * (np.abs(thousandths - 500) < 30)
    return colour + np.dstack([0 * step, 0 * step, step])


def _grey(height: int, width: int) -> Triple:
    fused, ir, vi = _scene(height, width)
    return fused[:, :, 1].copy(), ir, vi[:, :, 0].copy()


def _ramp() -> Triple:
    y, x = np.indices((64, 256))
    return x.astype(np.uint8), x.astype(np.uint8), (4 * y).astype(np.uint8)


def _checker() -> Triple:
    y, x = np.indices((96, 128))
    board = (255 * ((x + y) % 2)).astype(np.uint8)
    return board, board.copy(), 255 - board


TRIPLES = {
    "grey": lambda: _grey(43, 47),
    "colour": lambda: _scene(41, 53),
    "large": lambda: _grey(177, 181),
    # The oracle has values of these two.
    "syn_ramp": _ramp,
    "syn_checker_inv": _checker,
}
