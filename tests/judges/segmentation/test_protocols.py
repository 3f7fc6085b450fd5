"""A protocol leaves out what the card of the data set says, and a built-in one keeps its meaning."""

from dataclasses import replace

import numpy as np
import pytest

from uaabench.core.errors import UsageError
from uaabench.core.registry import dataset_class
from uaabench.judges.segmentation.confusion import confusion
from uaabench.judges.segmentation.protocols import PROTOCOLS, for_dataset


def test_a_built_in_protocol_leaves_out_what_the_card_of_its_set_says():
    for name in ("msrs", "demo", "fmb"):
        card = dataset_class(name).card
        fitting = [entry for entry in PROTOCOLS.values() if entry.classes == tuple(c.name for c in card.classes)]
        assert {entry.ignore for entry in fitting} == {card.ignore_index}, name


def test_the_value_that_a_card_leaves_out_is_left_out_under_a_name_that_says_so():
    msrs = dataset_class("msrs").card
    own = for_dataset(replace(msrs, name="mine", ignore_index=8))
    assert (own.name, own.ignore) == ("mine-9-without-8", 8)
    label = np.array([[0, 1, 8, 8]], np.uint8)
    assert confusion(label, label, own).sum() == 2
    with pytest.raises(UsageError, match="leaves out 255, and MSRS says otherwise"):
        for_dataset(replace(msrs, ignore_index=8), "msrs-9")


def test_a_set_of_other_classes_has_a_protocol_of_its_own():
    msrs = dataset_class("msrs").card
    own = for_dataset(replace(msrs, name="mine", classes=msrs.classes[:3]))
    assert (own.name, own.ignore, own.counts_zero) == ("mine-3", 255, True)
