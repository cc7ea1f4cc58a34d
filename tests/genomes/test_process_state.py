"""What any code may change of its process is put back."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from genomes.process_state import new_garbage_alone, process_put_back


@pytest.mark.parametrize("raises", [False, True])
def test_the_process_is_as_before(raises: bool, tmp_path: Path) -> None:
    before = dict(os.environ), os.getcwd(), list(sys.path), sys.stdout, np.geterr()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with pytest.raises(ValueError) if raises else process_put_back(), process_put_back():
        os.environ.clear()
        os.environ["NEW"] = "1"
        os.chdir(tmp_path)
        sys.path.clear()
        sys.stdout = io.StringIO()
        np.seterr(all="ignore")
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        if raises:
            raise ValueError
    assert before == (dict(os.environ), os.getcwd(), list(sys.path), sys.stdout, np.geterr())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask


def test_a_folder_that_is_gone_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    with process_put_back():
        (tmp_path / "gone").rmdir()
    with process_put_back():
        os.chdir(tmp_path)
    assert os.getcwd() == str(tmp_path)


@pytest.mark.parametrize("method", [None, "spawn"])
def test_the_way_to_start_processes_is_not_chosen(method: str | None) -> None:
    chosen = multiprocessing.get_start_method(allow_none=True)
    try:
        multiprocessing.set_start_method(method, force=True)
        with process_put_back():
            multiprocessing.get_context()
            multiprocessing.set_start_method("forkserver", force=True)
        assert multiprocessing.get_start_method(allow_none=True) == method
    finally:
        multiprocessing.set_start_method(chosen, force=True)


def test_objects_that_were_frozen_stay_so() -> None:
    assert gc.get_freeze_count() == 0
    with new_garbage_alone():
        assert gc.get_freeze_count() > 0
        with new_garbage_alone():
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
