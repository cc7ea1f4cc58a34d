"""A full disk or an unreadable file is the machine's fault: never the outcome of a candidate."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from evo.errors import DataError, StorageError
from evo.training.task import DataReference, TrialTask
from evo.workers import settle


@pytest.mark.parametrize("error", [StorageError("the disk is full"), DataError("x_train.npy cannot be read")])
def test_errors_of_the_machine_are_raised(error: Exception) -> None:
    task = TrialTask(0, {}, {}, 0, 1, 0, "", DataReference("", None, {}))
    future: Future[object] = Future()
    future.set_exception(error)
    with pytest.raises(type(error), match=str(error)):
        settle(future, task)
