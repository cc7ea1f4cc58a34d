"""A full disk or an unreadable file is the machine's fault: never the outcome of a candidate."""

from __future__ import annotations

import errno
import os
from concurrent.futures import Future

import pytest

from evo.core.trial import Status
from evo.errors import DataError, StorageError
from evo.training.task import DataReference, TrialTask
from evo.workers import settle

TASK = TrialTask(0, {}, {}, 0, 1, 0, "", DataReference("", None, {}))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENFILE])
def test_a_full_disk_that_a_candidate_meets_first_is_the_machines(code: int) -> None:
    future: Future[object] = Future()
    future.set_exception(OSError(code, os.strerror(code), "/somewhere"))
    with pytest.raises(StorageError, match="trial 0: OSError.*/somewhere"):
        settle(future, TASK)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES, errno.EMFILE])
def test_what_a_candidate_may_do_itself_is_its_own(code: int) -> None:
    future: Future[object] = Future()
    future.set_exception(OSError(code, os.strerror(code)))
    assert settle(future, TASK).outcome.status is Status.FAILED


@pytest.mark.parametrize("error", [StorageError("the disk is full"), DataError("x_train.npy cannot be read")])
def test_errors_of_the_machine_are_raised(error: Exception) -> None:
    future: Future[object] = Future()
    future.set_exception(error)
    with pytest.raises(type(error), match=str(error)):
        settle(future, TASK)
