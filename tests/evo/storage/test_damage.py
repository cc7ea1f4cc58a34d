"""Every single file truncated, zeroed, changed or removed: repaired and said so, or refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evo.core.trial import Trial
from evo.errors import DirectoryLockedError, StorageError
from evo.storage import CampaignDirectory, layout
from tests.evo.storage.samples import OBJECTIVES, advance, create, outcome, proposal, settle, snapshot

pytestmark = pytest.mark.usefixtures("small_segments")
TRIALS = 18


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with merged and single files, states, populations, a pending trial, two sessions."""
    path = tmp_path_factory.mktemp("whole") / "c"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "SEGMENT", 5)
        with create(path) as directory:
            advance(directory, 9)
        with CampaignDirectory.open(path) as directory:
            advance(directory, TRIALS)
            directory.record_proposal(Trial(TRIALS, proposal(TRIALS)), seen=TRIALS)
            (directory.trial_directory(TRIALS) / "epoch-1").write_text("half way")
    return path


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def zeroed(data: bytes, rng: np.random.Generator) -> bytes:
    return bytes(len(data))


def overwritten(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(data)))
    return data[:start] + bytes(255 - byte for byte in data[start : start + 4096]) + data[start + 4096 :]


def removed(data: bytes, rng: np.random.Generator) -> None:
    return None


DAMAGES: list[Callable[[bytes, np.random.Generator], bytes | None]] = [truncated, zeroed, overwritten, removed]


def damage(path: Path, how: Callable[[bytes, np.random.Generator], bytes | None], seed: int) -> bool:
    """Damage one file; False if that changed nothing."""
    before = path.read_bytes()
    if not before and how is not removed:
        return False
    after = how(before, np.random.default_rng(seed))
    if after is None:
        path.unlink()
    else:
        path.write_bytes(after)
    return after != before


def compare_with_whole(copy: Path, whole: Path, name: str) -> list[str]:
    """Open a damaged copy; it must be repaired with a message that names the file, or refused by its name."""
    kind = name.split("/")[0]
    with CampaignDirectory.open(whole, read_only=True) as reader:
        expected = reader.load_history(OBJECTIVES)
    directory = CampaignDirectory.open(copy)
    with directory:
        history = directory.load_history(OBJECTIVES)
        # Nothing differs silently: what there is, is what there was.
        assert [repr(trial.proposal) for trial in history] == [repr(t.proposal) for t in expected[: len(history)]]
        for trial in history:
            was = expected[trial.number]
            assert (
                trial.outcome == was.outcome
                or repr(trial.outcome) == repr(was.outcome)
                or (
                    kind == "sessions"
                    and repr(trial.outcome).split("seconds")[0] == repr(was.outcome).split("seconds")[0]
                )
            )
            if was.outcome is not None and directory.has_predictions(trial.number):
                if trial.number in directory.lost_predictions:
                    assert kind == "predictions"
                    directory.restore_predictions(trial.number, outcome(trial.number)[1])  # type: ignore[arg-type]
                np.testing.assert_array_equal(directory.predictions(trial.number), outcome(trial.number)[1])
        for number in range(len(history)):
            if reader.records[number].state is None:
                continue
            was_kept = (whole / "states" / f"{number:06d}.h5").exists()
            if was_kept and directory.state_path(number) is None:
                assert kind == "states"
                again = directory.trial_directory(number) / "state.h5"
                again.write_bytes(np.random.default_rng((2, number)).bytes(200))
                directory.restore_state(number, again)
        if kind == "preprocessing.npz":
            with pytest.raises(StorageError, match=r"preprocessing\.npz"):
                directory.preprocessing_path()
            directory.restore_preprocessing({"mean": np.arange(3.0), "variance": np.ones(3)})
        if kind == "journal" and name.endswith(f"{TRIALS:06d}.jsonl"):
            # The trial in flight: not finished, so that nothing but its place is lost.
            assert len(history) == TRIALS
            directory.record_proposal(Trial(TRIALS, proposal(TRIALS)), seen=TRIALS)
        if kind == "populations":
            members = list(range(int(Path(name).stem) * 5, int(Path(name).stem) * 5 + 5))
            directory.record_population(int(Path(name).stem), members, history)
        messages = list(directory.messages)
    assert snapshot(copy) == snapshot(whole)
    return messages


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_every_single_file(
    tmp_path: Path, whole: Path, how: Callable[[bytes, np.random.Generator], bytes | None]
) -> None:
    files = sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file())
    assert len(files) > 40
    # What the storage does not own (a worker's), or whose loss cannot be seen and costs nothing.
    unnoticed = {"work/000018/epoch-1"}
    for seed, name in enumerate(files):
        copy = tmp_path / str(seed)
        shutil.copytree(whole, copy)
        if not damage(copy / name, how, seed):
            continue
        messages = compare_with_whole(copy, whole, name)
        last_in_flight = how is removed and name == f"journal/{TRIALS:06d}.jsonl"
        population_removed = how is removed and name.startswith("populations/")
        session_part = name.startswith("sessions/")
        if not (name in unnoticed or last_in_flight or population_removed or session_part):
            assert any(Path(name).name in message for message in messages), (name, messages)


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_both_copies_lost_is_refused_by_name(
    tmp_path: Path, whole: Path, how: Callable[[bytes, np.random.Generator], bytes | None]
) -> None:
    pairs = (
        ("campaign.json", "campaign.copy.json"),
        ("journal/000000-000004.jsonl", "trials/000000-000004.h5"),
        ("journal/000005-000009.jsonl", "trials/000005-000009.h5"),
    )
    for index, pair in enumerate(pairs):
        copy = tmp_path / str(index)
        shutil.copytree(whole, copy)
        for name in pair:
            damage(copy / name, how, index)
        with pytest.raises(StorageError, match=rf"{pair[0].split('.')[0].split('-')[0]}.*(damaged|missing).*backup"):
            CampaignDirectory.open(copy)
        assert not (copy / layout.LOCK).exists()


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_lost_proposal_falls_back_or_is_refused(
    tmp_path: Path, how: Callable[[bytes, np.random.Generator], bytes | None]
) -> None:
    with create(tmp_path / "a") as directory:
        for number in range(10):
            directory.record_proposal(Trial(number, proposal(number)), seen=0)
        for number in (0, 1, 2, 4, 7):
            settle(directory, number)
    # Trial 3 is pending: nothing else holds its proposal.
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    damage(tmp_path / "a" / "journal" / "000003.jsonl", how, 0)
    with CampaignDirectory.open(tmp_path / "a") as directory:
        assert directory.given_up == [3, 4, 5, 6, 7, 8, 9]
        assert any("journal/000003.jsonl" in message and "2 finished" in message for message in directory.messages)
        assert len(directory.load_history(OBJECTIVES)) == 3
        assert not (tmp_path / "a" / "predictions" / "000004.h5").exists()
        assert not (tmp_path / "a" / "states" / "000004.h5").exists()
        for number in range(3, 10):
            directory.record_proposal(Trial(number, proposal(number)), seen=0)
        for number in (4, 7):
            settle(directory, number)
    with CampaignDirectory.open(tmp_path / "a") as directory:
        assert not directory.messages
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")
    with CampaignDirectory.open(tmp_path / "b") as directory:
        for number in (5, 6, 8, 9):
            settle(directory, number)
    damage(tmp_path / "b" / "journal" / "000003.jsonl", how, 0)
    with pytest.raises(StorageError, match=r"000003\.jsonl.*backup"):
        CampaignDirectory.open(tmp_path / "b", repair=True)


def test_vanished_outcomes_are_noticed(tmp_path: Path, whole: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    for path in [*(tmp_path / "c" / "journal").glob("00001[58]*"), *(tmp_path / "c" / "trials").glob("000015*")]:
        path.unlink()
    for path in (tmp_path / "c" / "journal").glob("00001[678]*"):
        path.unlink()
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert any("journal/000015.jsonl" in m and "3 finished trials" in m for m in directory.messages)
        assert len(directory.load_history(OBJECTIVES)) == 15


def test_damaged_files_are_kept_aside(tmp_path: Path, whole: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    for _ in range(2):
        (tmp_path / "c" / "journal" / "000000-000004.jsonl").write_bytes(b"mine")
        CampaignDirectory.open(tmp_path / "c").close()
    aside = sorted((tmp_path / "c" / "damaged").iterdir())
    assert len(aside) == 2 and all(path.read_bytes() == b"mine" for path in aside)


def test_missing_folder_is_made_again(tmp_path: Path, whole: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    shutil.rmtree(tmp_path / "c" / "trials")
    shutil.rmtree(tmp_path / "c" / "sessions")
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert len(directory.messages) >= 2
    assert snapshot(tmp_path / "c") == snapshot(whole)


def test_lock_damaged_is_refused_by_name(tmp_path: Path, whole: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    (tmp_path / "c" / "lock.json").write_bytes(bytes(100))
    with pytest.raises(DirectoryLockedError, match=r"lock\.json"):
        CampaignDirectory.open(tmp_path / "c")
