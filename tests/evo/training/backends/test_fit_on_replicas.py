"""How TensorFlow shares a batch out among replicas, and models that were made for several of them."""

from __future__ import annotations

import pytest

from evo.training.backends.fit_on_replicas import every_replica_has_rows


@pytest.mark.parametrize(
    ("rows", "size", "replicas", "each"),
    [
        (1, 32, 1, True),
        (1, 32, 2, False),
        (2, 32, 2, True),
        (33, 32, 2, False),
        (34, 32, 2, True),
        (64, 32, 2, True),
        (5, 32, 4, False),
        (7, 32, 4, True),
        (41, 32, 4, False),
        (8, 1, 2, False),
    ],
)
def test_a_replica_without_rows_is_foreseen(rows, size, replicas, each):
    assert every_replica_has_rows(rows, size, replicas) is each
    # As TensorFlow cuts: the same number for one after the other, rounded up.
    for batch in (min(rows, size), rows % size or size):
        share = -(-batch // replicas)
        parts = [max(0, min(share, batch - share * n)) for n in range(replicas)]
        assert sum(parts) == batch
        assert each is False or min(parts) > 0
