"""Each rule of who may be a candidate, and of how large an ensemble may be."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from evo.ensemble.library import EnsembleWarning, LibraryModel, usable, warn
from evo.ensemble.size_limits import Costs, SizeLimits
from evo.errors import EnsembleError


def one(number: int, *values: float, **known: object) -> LibraryModel:
    return LibraryModel(number, np.array(values, np.float32)[:, None], **known)  # type: ignore[arg-type]


def left(candidates: list[LibraryModel], task: str = "binary", rows: int = 2) -> tuple[list[int], list[str]]:
    """Numbers of the usable ones, and the notes; every note is a warning, too."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        kept = usable(candidates, rows, task, notes)
    assert [str(w.message) for w in seen] == notes and all(w.category is EnsembleWarning for w in seen)
    return [c.number for c in kept], notes


# -- limits ------------------------------------------------------------------------
def test_no_limit_is_the_default_and_all_fit() -> None:
    assert SizeLimits() == SizeLimits(None, None, None)
    costs = Costs([one(0, 0.5), one(1, 0.5)], SizeLimits())
    assert costs.fits(np.array([0, 1])) and list(costs.open(np.array([0]))) == [True, True]


def test_limits_are_positive() -> None:
    for name in ("members", "parameters", "latency"):
        for wrong in (0, -1, math.nan):
            with pytest.raises(EnsembleError, match=f"max_{name}"):
                SizeLimits(**{name: wrong})  # type: ignore[arg-type]
        SizeLimits(**{name: 1})  # type: ignore[arg-type]
    SizeLimits(latency=1e-9)


def test_costs_are_summed_and_may_meet_the_limit_but_not_pass_it() -> None:
    candidates = [one(0, 0.5, parameters=3), one(1, 0.5, parameters=4), one(2, 0.5, parameters=1)]
    costs = Costs(candidates, SizeLimits(parameters=7))
    assert costs.fits(np.array([0, 1])) and not costs.fits(np.array([0, 1, 2]))
    assert list(costs.open(np.array([0]))) == [True, True, True]
    assert list(costs.open(np.array([1]))) == [True, True, True]
    assert list(costs.open(np.array([1, 2]))) == [False, True, True]
    assert not Costs(candidates, SizeLimits(parameters=6)).fits(np.array([0, 1]))


def test_members_chosen_already_stay_open_where_nothing_else_fits() -> None:
    costs = Costs([one(0, 0.5), one(1, 0.5)], SizeLimits(members=1))
    assert list(costs.open(np.array([1]))) == [False, True]
    assert costs.fits(np.array([1])) and not costs.fits(np.array([0, 1]))
    assert list(costs.open(np.array([], dtype=int))) == [True, True]


def test_every_limit_holds_at_once() -> None:
    candidates = [one(n, 0.5, parameters=p, latency=s) for n, (p, s) in enumerate([(1, 0.5), (9, 0.1), (1, 0.1)])]
    costs = Costs(candidates, SizeLimits(members=2, parameters=5, latency=0.4))
    assert list(costs.open(np.array([], dtype=int))) == [False, False, True]
    assert costs.costs.tolist() == [[1, 1, 1], [1, 9, 1], [0.5, 0.1, 0.1]]
    assert costs.bounds.tolist() == [2, 5, 0.4]


def test_sums_that_meet_the_limit_but_for_rounding_fit() -> None:
    candidates = [one(n, 0.5, latency=0.1) for n in range(3)]
    costs = Costs(candidates, SizeLimits(latency=0.3))  # .1 + .1 + .1 > .3
    assert costs.fits(np.array([0, 1, 2])) and costs.open(np.array([0, 1])).all()
    assert not Costs(candidates, SizeLimits(latency=0.3 * (1 - 1e-9))).fits(np.array([0, 1, 2]))


def test_who_does_not_know_its_cost_never_fits_and_someone_must() -> None:
    candidates = [one(0, 0.5, latency=0.1), one(1, 0.5)]
    assert list(Costs(candidates, SizeLimits(latency=9)).open(np.array([], dtype=int))) == [True, False]
    with pytest.raises(EnsembleError, match="max_parameters: no candidate knows its parameters"):
        Costs(candidates, SizeLimits(parameters=9))


def test_costs_of_some_candidates_are_theirs() -> None:
    costs = Costs([one(n, 0.5, parameters=n + 1) for n in range(3)], SizeLimits(parameters=4))
    part = costs.restricted(np.array([2, 0]))
    assert part.costs.tolist() == [[3, 1]] and part.fits(np.array([0, 1])) and part.limits == costs.limits


# -- who may stand -----------------------------------------------------------------
def test_candidates_are_put_in_order_of_their_numbers() -> None:
    assert left([one(5, 0.1, 0.2), one(-1, 0.2, 0.3), one(2, 0.3, 0.4)]) == ([-1, 2, 5], [])


def test_copies_of_an_earlier_one_are_left_out() -> None:
    kept, notes = left([one(3, 0.1, 0.2), one(1, 0.1, 0.2), one(2, 0.1, 0.2), one(4, 0.2, 0.1)])
    assert kept == [1, 4]
    assert notes == ["2 candidates left out, as they predict exactly as an earlier one: 2, 3"]


def test_equal_sums_and_equal_beginnings_are_no_copies() -> None:
    assert left([one(0, 0.5, 0.25, 0.75), one(1, 0.5, 0.75, 0.25)], rows=3)[0] == [0, 1]
    assert left([one(0, 0.25, 0.75), one(1, 0.75, 0.25)])[0] == [0, 1]


def test_predictions_that_are_not_finite_are_left_out() -> None:
    kept, notes = left([one(0, 0.1, math.nan), one(1, 0.1, 0.2), one(2, math.inf, 0.1), one(3, 0.2, -math.inf)])
    assert kept == [1]
    assert notes == ["3 candidates left out, as their predictions are not finite: 0, 2, 3"]


def test_models_whose_weights_are_gone_are_left_out() -> None:
    kept, notes = left([one(0, 0.1, 0.2, available=False), one(1, 0.1, 0.2)])
    assert kept == [1] and notes == ["1 candidates left out, as their weights are gone: 0"]


def test_ten_are_named_at_most() -> None:
    ten = [one(n, 0.1, 0.2, available=False) for n in range(10)]
    assert left([*ten, one(99, 0.1, 0.2)])[1][0].endswith(": 0, 1, 2, 3, 4, 5, 6, 7, 8, 9")
    eleven = [*ten, one(10, 0.1, 0.2, available=False)]
    assert left([*eleven, one(99, 0.1, 0.2)])[1][0].endswith("8, 9 ...")


def test_none_at_all_or_none_left_is_an_error() -> None:
    with pytest.raises(EnsembleError, match="at least one"):
        left([])
    with pytest.raises(EnsembleError, match="none of 1 can be used .*gone"), pytest.warns(EnsembleWarning):
        usable([one(0, 0.1, 0.2, available=False)], 2, "binary", [])


def test_numbers_are_given_once() -> None:
    with pytest.raises(EnsembleError, match="number 4 is given twice"):
        left([one(3, 0.1, 0.2), one(4, 0.1, 0.2), one(4, 0.2, 0.3)])


def test_all_were_trained_on_the_same_data_where_that_is_known() -> None:
    first, second = one(0, 0.1, 0.2, data="a"), one(1, 0.2, 0.3, data="a")
    assert left([first, second, one(2, 0.4, 0.3)])[0] == [0, 1, 2]
    with pytest.raises(EnsembleError, match=r"2 different sets of data .*'a', 'b'"):
        left([first, replace(second, data="b")])


def test_all_have_the_rows_of_the_targets_and_the_same_outputs() -> None:
    with pytest.raises(EnsembleError, match="candidate 1: 1 rows of predictions for 2 rows"):
        left([one(0, 0.1, 0.2), one(1, 0.1)])
    wide = LibraryModel(1, np.full((2, 2), 0.5, np.float32))
    with pytest.raises(EnsembleError, match="number 0 has 1 outputs, number 1 has 2"):
        left([one(0, 0.1, 0.2), wide], "multilabel")
    with pytest.raises(EnsembleError, match="number 1 has 2 outputs, number 2 has 1"):
        left([wide, one(2, 0.1, 0.2)], "multilabel")
    with pytest.raises(EnsembleError, match="^candidate 3: a binary classifier has one output"):
        left([one(0, 0.1, 0.2), LibraryModel(3, np.full((2, 3), 0.5, np.float32))])


def test_classifiers_give_probabilities_but_for_rounding() -> None:
    assert left([one(0, -0.0009, 1.0009)])[0] == [0]
    for low, high in ((-0.002, 0.5), (0.5, 1.002)):
        with pytest.raises(EnsembleError, match="must be probabilities"):
            left([one(0, low, high)])
    assert left([one(0, -5.0, 7.0)], "regression")[0] == [0]


def test_predictions_are_brought_into_one_form_and_the_rest_is_kept() -> None:
    given = LibraryModel(7, np.array([[0.75, 0.25], [0.5, 0.5]]), {"a": 1.0}, 5, 0.1, "genome", None, "trees", "d")
    (kept,) = usable([given], 2, "binary", [])
    assert kept.predictions.dtype == np.float32 and kept.predictions.tolist() == [[0.25], [0.5]]
    assert replace(kept, predictions=given.predictions).__dict__ == given.__dict__
    same = one(0, 0.1, 0.2)
    assert usable([same], 2, "binary", [])[0] is same


def test_a_candidate_is_a_net_whose_weights_are_there_unless_told() -> None:
    plain = one(0, 0.5)
    assert (plain.kind, plain.available, plain.scores) == ("net", True, {})
    known = (plain.parameters, plain.latency, plain.genome, plain.load, plain.data)
    assert known == (None, None, None, None, None)


def test_a_warning_is_noted() -> None:
    notes = ["before"]
    with pytest.warns(EnsembleWarning, match="^so$"):
        warn("so", notes)
    assert notes == ["before", "so"]
