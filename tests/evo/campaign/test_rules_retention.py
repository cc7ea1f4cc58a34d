"""Rules of retention: whose weights stay on disk."""

from __future__ import annotations

from tests.evo.search_parts import kept_states
from tests.evo.small_histories import done, failed, history_of, waiting


def test_best_and_longest_take_turns_beginning_with_the_best() -> None:
    history = history_of(done(0.1, 0.9), done(0.2, 0.8), done(0.3, 0.1, 9), done(0.4, 0.2, 3))
    # best: 0 1 3 2; longest: 2 3 0 1
    assert kept_states(history, 1, []) == {0}
    assert kept_states(history, 2, []) == {0, 2}
    assert kept_states(history, 3, []) == {0, 2, 1}
    assert kept_states(history, 4, []) == {0, 2, 1, 3}


def test_what_was_continued_is_not_among_the_longest() -> None:
    """Trial 0 is the longest but one; trial 3 went on from it."""
    history = history_of(done(0.1, 0.3, 8), done(0.2, 0.9), done(0.3, 0.2, 2), done(0.1, 0.4, 9, 8, continues=0))
    # best: 1 3 0 2; longest that were not continued: 3 2 1
    assert kept_states(history, 3, []) == {1, 3, 2}


def test_a_continuation_that_failed_leaves_its_start_among_the_longest() -> None:
    history = history_of(done(0.1, 0.3, 8), done(0.2, 0.9), done(0.3, 0.5), failed(0.1, 9, 8, continues=0))
    assert kept_states(history, 2, []) == {1, 0}


def test_of_equally_long_trials_the_better_one_counts_as_longer() -> None:
    history = history_of(done(0.1, 0.9), done(0.2, 0.3, 9), done(0.3, 0.4, 9))
    assert kept_states(history, 2, []) == {0, 2}


def test_length_counts_the_epochs_before_a_continuation() -> None:
    history = history_of(done(0.1, 0.2), done(0.1, 0.3, 9, 7, continues=0), done(0.2, 0.8, 5), done(0.3, 0.9))
    assert kept_states(history, 2, []) == {3, 1}


def test_failed_trials_are_not_kept() -> None:
    assert kept_states(history_of(failed(0.1), done(0.2, 0.1)), 2, []) == {1}


def test_survivors_come_before_all_others_and_count_towards_the_limit() -> None:
    history = history_of(done(0.1, 0.1), done(0.2, 0.2), done(0.3, 0.9), done(0.4, 0.8))
    assert kept_states(history, 2, [0]) == {0, 2}
    assert kept_states(history, 1, [0, 1]) == {0, 1}


def test_what_is_in_use_is_kept_besides_the_limit() -> None:
    history = history_of(
        done(0.1, 0.1),
        done(0.2, 0.2),
        done(0.3, 0.9),
        waiting(0.1, 3, 1, continues=0),
        waiting(0.5, inherits=1),
        waiting(0.6),
    )
    assert kept_states(history, 1, []) == {2, 0, 1, 3, 4, 5}
