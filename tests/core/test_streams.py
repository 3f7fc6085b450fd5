"""Threads keep the order and hold few items."""

import threading

import pytest

from uaabench.core.streams import ordered_map


def test_results_keep_the_order_of_the_items():
    first_may_end = threading.Event()

    def work(item):
        if item == 0:
            first_may_end.wait(5)
        else:
            first_may_end.set()
        return item

    assert list(ordered_map(work, range(5), threads=2)) == [0, 1, 2, 3, 4]


def test_no_more_items_are_taken_than_threads_plus_one_ahead():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = ordered_map(lambda item: item, items(), threads=2)
    next(results)
    assert len(taken) == 3


def test_as_many_items_are_taken_ahead_as_are_asked_for():
    taken = []
    results = ordered_map(lambda item: item, (taken.append(item) or item for item in range(100)), threads=2, ahead=5)
    next(results)
    assert len(taken) == 7


def test_an_exception_is_raised_in_its_place():
    results = ordered_map(lambda item: 1 // item, [1, 0, 1], threads=1)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
