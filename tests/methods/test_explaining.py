"""What explains a method without a segmenter is found by what cards say."""

from dataclasses import replace

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.methods.explaining import default_explainer, names_of
from uaabench.methods.explanation import Explains


def test_the_cards_that_say_so_are_those_of_the_methods_that_explain():
    cards = registry.method_cards()
    offering = {name for name in cards if issubclass(registry.method_class(name), Explains)}
    assert {name for name, card in cards.items() if card.explains} == offering != set()


def test_the_first_method_that_explains_and_has_weights_is_the_default(monkeypatch):
    cards = registry.method_cards()
    others = {
        "lrrnet": replace(cards["lrrnet"], explains="has no weights here"),
        "tardal": replace(cards["tardal"], explains="comes before"),
        "uaa": cards["uaa"],
    }
    monkeypatch.setattr(registry, "method_cards", lambda: others)
    assert default_explainer() == "tardal"


def test_without_any_the_user_is_told_to_name_one(monkeypatch):
    monkeypatch.setattr(registry, "method_cards", lambda: {"average": registry.method_card("average")})
    with pytest.raises(UsageError, match="No method with weights explains fusions; name one"):
        default_explainer()


class Found:
    """As much of an explanation as names its classes."""

    def __init__(self, classes, names=()):
        self.classes, self.names = classes, names


def test_classes_are_those_of_the_segmenter_or_of_a_data_set_that_has_as_many():
    msrs, fmb = (registry.dataset_class(name).card for name in ("msrs", "fmb"))
    assert names_of(Found(len(msrs.classes)), msrs) == (msrs.title, msrs.classes)
    assert names_of(Found(len(fmb.classes)), msrs) == (fmb.title, fmb.classes)
    assert names_of(Found(5), msrs) == ("", ())
    by, (rest, car, person) = names_of(Found(3, ("rest", "car", "person")), msrs)
    assert by == ""
    assert (rest.name, rest.colour) == ("rest", (0, 0, 0))
    assert (car, person) == msrs.classes[1:3]
