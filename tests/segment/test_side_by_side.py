"""Working on several patches at once: order, faults, and stopping."""

import threading
import time

import pytest
import torch

from napari_herbarium.segment.touching.side_by_side import SideBySide


def result_of(job):
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def threads_of_a_new_one():
    """Threads of torch in a thread that begins now."""
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def meeting():
    """Two threads that come here go on together."""
    return threading.Barrier(2, timeout=20)


def test_results_come_in_the_order_of_what_was_given(two_threads):
    def slowest_first(item):
        yield
        time.sleep(0.05 / (1 + item))
        return item

    with SideBySide(slowest_first, range(9)) as work:
        assert [result_of(work.iter_next()) for _ in range(9)] == list(range(9))


def test_two_are_worked_on_at_once_each_by_one_thread_of_torch(two_threads, meeting):
    def both(_item):
        yield
        meeting.wait()
        return torch.get_num_threads()

    with SideBySide(both, range(2)) as work:
        assert [result_of(work.iter_next()) for _ in range(2)] == [1, 1]
    assert torch.get_num_threads() == threads_of_a_new_one() == 2


def test_who_begins_meanwhile_has_all_threads_of_torch(two_threads, meeting):
    def both(_item):
        yield
        meeting.wait()

    with SideBySide(both, range(2)) as work:
        result_of(work.iter_next())
        assert threads_of_a_new_one() == 2
    assert threads_of_a_new_one() == 2


def test_a_fault_is_told_where_its_result_is_asked_for(two_threads):
    def odd_ones_fail(item):
        yield
        if item % 2:
            raise ValueError(item)
        return item

    with SideBySide(odd_ones_fail, range(2)) as work:
        assert result_of(work.iter_next()) == 0
        with pytest.raises(ValueError, match="1"):
            result_of(work.iter_next())


def test_leaving_stops_what_has_begun_and_begins_nothing_more(two_threads, meeting):
    begun = []

    def endless(item):
        begun.append(item)
        meeting.wait()
        while True:
            yield

    with SideBySide(endless, range(9)) as work:
        next(work.iter_next())
    assert sorted(begun) == [0, 1]
