"""What explains a method without a segmenter is found by what cards say."""

from dataclasses import replace

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.methods.explaining import default_explainer
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
