"""Every pair of a split has an id of its own, under which its results can be kept."""

from pathlib import Path

import pytest

from uaabench.core import registry
from uaabench.core.errors import DataError
from uaabench.core.interface import Pair
from uaabench.data.listing import pairs_of


def a_set_of(*ids):
    dataset = registry.dataset_class("folder")(Path("set"))
    dataset.pairs = lambda split: [Pair(id_, Path(f"ir/{n}.png"), Path(f"vi/{n}.png")) for n, id_ in enumerate(ids)]
    return dataset


def test_an_id_that_stands_for_two_pairs_is_refused():
    with pytest.raises(DataError, match=r"lists the pair 'a' twice in its split 'all', with ir/0\.png and ir/2\.png"):
        pairs_of(a_set_of("a", "b", "a"), "all")


def test_an_id_that_is_no_text_is_refused():
    with pytest.raises(DataError, match="is not UTF-8"):
        pairs_of(a_set_of("\udcff"), "all")


@pytest.mark.parametrize("id_", ["<b>", "a b", "a\nb", "été", "a.b", "C:\\a"])
def test_an_id_may_be_any_text(id_):
    assert [pair.id for pair in pairs_of(a_set_of(id_), "all")] == [id_]


@pytest.mark.parametrize("id_", ["", ".", "..", "../a", "a/b", "/a", "a\0"])
def test_an_id_that_is_no_file_name_is_refused(id_):
    with pytest.raises(DataError, match="cannot be the id of a pair"):
        Pair(id_, Path("ir.png"), Path("vi.png"))
