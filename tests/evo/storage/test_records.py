"""Records survive JSON Lines and HDF5 to the last bit, and their files depend on nothing but them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.storage import TrialRecord, layout, records, tables
from evo.storage.records import StoredFile, clean
from evo.storage.sealed import Damaged, open_json, seal_json
from tests.evo.storage.samples import SPACE, outcome, proposal

texts = st.text(max_size=12)
numbers = st.integers(0, 2**62)
optional = st.none() | st.integers(0, 2**40)
floats = st.floats(width=64)
sha256s = st.text("0123456789abcdef", min_size=64, max_size=64)
outcomes = st.builds(
    Outcome,
    status=st.sampled_from(Status),
    scores=st.dictionaries(texts, floats, max_size=3),
    curves=st.dictionaries(texts, st.lists(floats, max_size=4).map(tuple), max_size=3),
    epochs=numbers,
    parameters=optional,
    flops=optional,
    message=st.text(max_size=40),
)
genomes = st.integers(0, 5).map(lambda seed: SPACE.sample(np.random.default_rng(seed)))


def proposals(number: int) -> st.SearchStrategy[Proposal]:
    """What trial ``number`` may be: it comes from earlier ones."""
    earlier = st.integers(0, number - 1) if number else st.nothing()
    return st.builds(
        Proposal,
        genome=genomes,
        first_epoch=numbers,
        last_epoch=numbers,
        continues=st.none() | earlier,
        parents=st.lists(earlier, max_size=3 if number else 0).map(tuple),
        inherits=st.none() | earlier,
        origin=texts,
        rung=numbers,
        final=st.booleans(),
        replicate=numbers,
    )


def files(name: str) -> st.SearchStrategy[StoredFile | None]:
    """A file of this name, or none."""
    return st.none() | st.builds(StoredFile, st.just(name), sha256s, numbers)


@st.composite
def stored(draw: st.DrawFn) -> list[TrialRecord]:
    """Records with outcomes, of ascending numbers."""
    found = []
    for number in sorted(draw(st.sets(st.integers(0, layout.MOST_TRIALS), max_size=5))):
        record = TrialRecord.of_proposal(Trial(number, draw(proposals(number))), draw(optional))
        predictions = draw(files(layout.predictions_name(number)))
        state = draw(files(layout.state_name(number, "state.h5")))
        found.append(record.with_outcome(draw(outcomes), draw(optional), predictions, state))
    return found


def same(left: list[TrialRecord], right: list[TrialRecord]) -> bool:
    """Equal to the last bit: repr, because NaN differs from itself."""
    return repr(left) == repr(right)


@given(stored())
def test_records_survive_both_forms(found: list[TrialRecord]) -> None:
    assert same(records.from_lines(records.to_lines(found)), found)
    assert same(tables.from_hdf5(tables.to_hdf5(found)), found)


@given(stored())
@settings(max_examples=20)
def test_bytes_depend_on_the_records_alone(found: list[TrialRecord]) -> None:
    again = tables.from_hdf5(tables.to_hdf5(found))
    assert tables.to_hdf5(again) == tables.to_hdf5(found)
    assert records.to_lines(again) == records.to_lines(found)


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    program = """
import sys
import time
sys.path[:0] = sys.argv[1:3]
from tests.evo.storage.samples import *
from evo.storage import TrialRecord, tables
found = [TrialRecord.of_proposal(Trial(n, proposal(n)), n).with_outcome(outcome(n)[0], None, None, None)
         for n in range(40)]
sys.stdout.buffer.write(tables.to_hdf5(found))
"""
    here = Path(__file__).parent
    root = Path(tables.__file__).parents[2]
    command = [sys.executable, "-c", program, str(here), str(root)]
    written = [subprocess.run(command, check=True, capture_output=True).stdout]
    time.sleep(1.1)  # so that the seconds of any time stored would differ
    written.append(subprocess.run(command, check=True, capture_output=True).stdout)
    assert written[0] == written[1] and len(written[0]) > 1000


@given(stored(), st.data())
def test_any_changed_byte_is_noticed(found: list[TrialRecord], data: st.DataObject) -> None:
    for encode, decode in ((records.to_lines, records.from_lines), (tables.to_hdf5, tables.from_hdf5)):
        whole = encode(found)
        cut = data.draw(st.integers(0, len(whole) - 1))
        with pytest.raises(Damaged):
            decode(whole[:cut])
        changed = bytearray(whole)
        place = data.draw(st.integers(0, len(whole) - 1))
        changed[place] ^= data.draw(st.integers(1, 255))
        try:
            # Spaces behind the first line of an HDF5 file mean nothing.
            assert same(decode(bytes(changed)), found)
        except Damaged:
            pass
        with pytest.raises(Damaged):
            decode(bytes(len(whole)))


@given(st.text())
def test_cleaned_text_can_be_stored_and_stays(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\0" not in cleaned and clean(cleaned) == cleaned


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text().filter(lambda name: name != "sha256"), json_values, max_size=4))
def test_json_files_survive_and_notice_changes(content: dict[str, object]) -> None:
    data = seal_json(content)
    assert open_json(data) == json.loads(json.dumps(content))
    with pytest.raises(Damaged):
        open_json(data.replace(b"{", b'{"added": 1,', 1) if content else b"{}")
    with pytest.raises(Damaged):
        open_json(data[: len(data) // 2])


def test_tables_read_with_h5py_and_pandas_alone(tmp_path: Path) -> None:
    found = [
        TrialRecord.of_proposal(Trial(n, proposal(n)), n).with_outcome(outcome(n)[0], None, None, None)
        for n in range(10)
    ]
    path = tmp_path / "000000-000099.h5"
    path.write_bytes(tables.to_hdf5(found))
    with h5py.File(path) as file:
        frame = pandas.DataFrame(file["trials"][()])
        scores = pandas.DataFrame(file["scores"][()])
        genomes_ = file["genomes"].asstr()[()]
    assert list(frame["number"]) == list(range(10))
    assert set(frame["status"]) == {b"completed", b"diverged"}
    assert frame.loc[4, "continues"] == 2 and frame.loc[3, "continues"] == -1
    # A promotion does not repeat its genome.
    assert frame.loc[4, "genome"] == frame.loc[2, "genome"] and len(genomes_) < 10
    wide = scores.pivot(index="number", columns="metric", values="value")
    assert wide.loc[0, b"val_accuracy"] == outcome(0)[0].scores["val_accuracy"]
    assert json.loads(genomes_[0]) == proposal(0).genome.to_json()
