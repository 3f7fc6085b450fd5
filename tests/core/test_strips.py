import pytest

from uaabench.core import strips as large
from uaabench.core.strips import is_large, strips


@pytest.mark.parametrize("height", [64, 127, 128, 331, 1000, 4001])
@pytest.mark.parametrize("step", [1, 8])
def test_each_row_is_in_one_strip_with_the_border_that_there_is(
    monkeypatch: pytest.MonkeyPatch, height: int, step: int
) -> None:
    monkeypatch.setattr(large, "WHOLE_PIXELS", 10_000)
    own: list[int] = []
    for strip in strips(height, 100, border=24, step=step):
        around = range(height)[strip.around]
        mine = around[strip.inner]
        assert (mine[0] - around[0], around[-1] - mine[-1]) == (min(24, mine[0]), min(24, height - 1 - mine[-1]))
        assert around[0] % step == 0
        assert len(mine) >= large.LEAST_ROWS // step * step
        own += mine
    assert own == list(range(height))


def test_strips_hold_about_as_many_pixels_as_an_image_that_is_taken_whole() -> None:
    assert [is_large(*size) for size in ((480, 640), (1080, 1920), (4000, 6000))] == [False, False, True]
    rows = [strip.around.stop - strip.around.start for strip in strips(4000, 6000, border=24, step=8)]
    assert max(rows) * 6000 < 1.3 * large.WHOLE_PIXELS
