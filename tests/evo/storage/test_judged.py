"""``judged.h5``: what predictions are compared with, kept with the campaign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evo.storage import JudgedTargets
from evo.storage.judged import read_judged, write_judged
from evo.storage.layout import JUDGED

PRINT = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "judged",
    [
        JudgedTargets(np.array([0, 2, 1, 1], np.int32)),
        JudgedTargets(np.array([[0.5], [1.5]], np.float32), np.array([1.0, 3.0], np.float32), 2),
        JudgedTargets(np.array([True, False])),
    ],
    ids=["classes", "numbers, weights and folds", "booleans"],
)
def test_what_was_kept_is_read(judged: JudgedTargets, tmp_path: Path) -> None:
    write_judged(tmp_path, PRINT, judged)
    first = (tmp_path / JUDGED).read_bytes()
    found = read_judged(tmp_path, PRINT)
    assert found is not None and found.folds == judged.folds
    np.testing.assert_array_equal(found.targets, judged.targets)
    assert (found.weights is None) == (judged.weights is None)
    if judged.weights is not None:
        np.testing.assert_array_equal(found.weights, judged.weights)
    write_judged(tmp_path, PRINT, judged)
    assert (tmp_path / JUDGED).read_bytes() == first


def test_other_data_and_damage_are_not_taken(tmp_path: Path) -> None:
    assert read_judged(tmp_path, PRINT) is None
    write_judged(tmp_path, PRINT, JudgedTargets(np.arange(40) % 3))
    assert read_judged(tmp_path, PRINT[::-1]) is None
    data = (tmp_path / JUDGED).read_bytes()
    for place in range(0, len(data), 97):
        if 0 < place < 512 and data[place] == 0:
            continue  # the padding after the checksum, which nothing reads
        (tmp_path / JUDGED).write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
        assert read_judged(tmp_path, PRINT) is None, place
    for length in (0, 100, 600, len(data) - 1):
        (tmp_path / JUDGED).write_bytes(data[:length])
        assert read_judged(tmp_path, PRINT) is None


def test_weights_of_other_rows_are_damage(tmp_path: Path) -> None:
    write_judged(tmp_path, PRINT, JudgedTargets(np.arange(4), np.ones(3, np.float32)))
    assert read_judged(tmp_path, PRINT) is None
