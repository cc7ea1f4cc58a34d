from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from evo.commands.demo import demo_job
from evo.commands.job import Job
from evo.commands.job_data import test_split
from evo.errors import DataError, EvoError, SettingsError

EXAMPLES = Path(__file__).parents[3] / "examples"
test_split.__test__ = False  # type: ignore[attr-defined]  # a function of evo, not a test


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.toml")))
def test_every_example_is_a_valid_job(name: str) -> None:
    job = Job.read(EXAMPLES / name)
    space, split = job.load()
    split.data.prepare(space)
    job.budget()
    rows = split.data.rows + split.data.validation_rows
    assert len(split.x_test) == pytest.approx(0.25 * rows, rel=0.02)


SPLIT_TABLE = "size,patient,day,held,y\n" + "".join(
    f"{n},p{n // 4},2024-01-{1 + n % 28:02d},{int(n > 30)},{'ab'[n % 2]}\n" for n in range(40)
)


def split_job(folder: Path, lines: str) -> Job:
    """A job on the table, with these lines in its section of data."""
    (folder / "t.csv").write_text(SPLIT_TABLE)
    tail = '[space]\nkind = "tabular"\n[budget]\ntrials = 1\n'
    return Job.read(written(folder, f'[data]\nfile = "t.csv"\ntarget = "y"\n{lines}\n{tail}'))


@pytest.mark.parametrize(
    ("lines", "folds", "rows"),
    [
        ("validation = 'held'", 0, 9),
        ("validation = [0, 5, 7]", 0, 3),
        ("folds = 4", 4, 40),
        ("validation = {kind = 'KFold', n_splits = 3}", 3, 40),
        ("groups = 'patient'", 0, 8),
        ("groups = 'patient'\nfolds = 5", 5, 40),
        ("groups = 'patient'\ntest = 0.2", 0, 8),
        ("time = 'day'\nclass_weight = 'balanced'", 0, 8),
    ],
)
def test_a_job_says_which_rows_judge(lines: str, folds: int, rows: int, tmp_path: Path) -> None:
    space, split = split_job(tmp_path, lines).load()
    data = split.data
    assert (data.folds, data.validation_rows) == (folds, rows)
    assert "patient" not in data.x_train or "groups" not in lines
    assert "held" not in data.x_train or "held" not in lines
    assert ("class_weight" in lines) == (data.weight_train is not None)
    data.prepare(space)
    if "groups" in lines and "test" in lines:
        patients = [set(part["size"] // 4) for part in (data.x_train, data.x_validation, split.x_test)]
        assert len(set.union(*patients)) == sum(map(len, patients)) == 10


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("validation = {kind = 'KFolds'}", "kind: expected one of .*KFold.*, got 'KFolds'"),
        ("validation = {kind = 'KFold', folds = 3}", "validation: KFold: "),
        ("validation = [1]\ntest = 0.2", "give x_test, too"),
        ("groups = 'person'", "groups: there is no column 'person'"),
        ("folds = 5\nvalidation = 0.3", "folds or validation"),
    ],
)
def test_a_job_that_splits_wrongly(lines: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(EvoError, match=words):
        split_job(tmp_path, lines).load()


def test_demo_keeps_the_same_test_rows_for_every_seed() -> None:
    _, one = demo_job(1, 10).load()
    _, other = demo_job(2, 10).load()
    assert np.array_equal(one.x_test, other.x_test) and np.array_equal(one.y_test, other.y_test)
    # Stratified: every digit has its fifth.
    counts = np.bincount(one.y_test)
    assert len(one.x_test) == 360 and counts.min() >= 34 and counts.max() <= 37


def test_train_validation_and_test_rows_are_disjoint() -> None:
    x = np.arange(1000)
    y = x % 7
    train, kept = test_split(y, 0.2, 3)
    assert np.array_equal(np.sort(np.concatenate([train, kept])), x)


def test_npz_names_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "d.npz",
        x_train=rng.random((40, 6, 6, 3)),
        y_train=np.arange(40) % 3,
        x_held=rng.random((6, 6, 6, 3)),
        y_held=np.arange(6) % 3,
    )
    path = written(
        tmp_path,
        """
        [data]
        file = "d.npz"
        x_test = "x_held"
        y_test = "y_held"
        [space]
        kind = "image"
        [budget]
        trials = 3
    """,
    )
    space, split = Job.read(path).load()
    assert len(split.x_test) == 6 and split.data.rows == 32
    assert space.task == "multiclass"


def test_csv_with_words_as_targets(tmp_path: Path) -> None:
    lines = ["size,colour,kind"] + [f"{i},{'red' if i % 3 else 'blue'},{'cat' if i % 2 else 'dog'}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    path = written(
        tmp_path,
        """
        [data]
        file = "t.csv"
        target = "kind"
        [space]
        kind = "tabular"
        [budget]
        trials = 3
    """,
    )
    space, split = Job.read(path).load()
    assert space.task == "binary" and space.target.labels == ("cat", "dog")
    assert set(split.data.y_train.tolist()) == {"cat", "dog"} and split.name == "kind"
    assert "kind: 2 classes, 'cat' and 'dog'" in split.notes[0]
    split.data.prepare(space)


def test_the_space_is_found_out_where_none_is_named(tmp_path: Path) -> None:
    lines = ["note,size,kind"] + [f"word{i} of a sentence,{i},{i % 3}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    for section in ("", '[space]\ntask = "classification"\n'):
        text = f'[data]\nfile = "t.csv"\ntarget = "kind"\n{section}[budget]\ntrials = 3\n'
        space, split = Job.read(written(tmp_path, text)).load()
        assert type(space).__name__ == "JointSpace" and space.task == "multiclass"
        assert "free text: 'note': read word by word" in split.notes
        split.data.prepare(space)


def test_a_job_is_found_again_in_its_directory(tmp_path: Path) -> None:
    job = Job.read(EXAMPLES / "digits.toml")
    job.write(tmp_path)
    again = Job.of_directory(tmp_path)
    assert again is not None and again.config == job.config
    assert Job.of_directory(tmp_path / "other") is None
    (tmp_path / "job.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(SettingsError, match=r"job\.json is damaged.*--config"):
        Job.of_directory(tmp_path)


def test_a_directory_from_somebody_else_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its job.json names is code; it is imported where this user has written the very same job before."""
    planted = tmp_path / "campaign" / "planted_genes.py"
    planted.parent.mkdir()
    planted.write_text(f"open({str(tmp_path / 'was_run')!r}, 'w')\n")
    toml = """
        {imports}
        [data]
        sklearn = "iris"
        [space]
        kind = "{kind}"
        [budget]
        trials = 3
    """
    monkeypatch.setattr(sys, "path", list(sys.path))
    for imports, kind in (('imports = ["planted_genes"]', "tabular"), ("", "planted_genes:make")):
        job = Job.read(written(planted.parent, toml.format(imports=imports, kind=kind)))
        sys.path.remove(str(planted.parent))
        job.trusted = False  # as somebody else writes it
        job.write(planted.parent)
        before = list(sys.path)
        found = Job.of_directory(planted.parent)
        assert found is not None and not found.trusted
        with pytest.raises(SettingsError, match="runs no code.*--config"):
            found.load()
        assert sys.path == before and not (tmp_path / "was_run").exists() and "planted_genes" not in sys.modules
    job.trusted = True
    job.write(planted.parent)
    found = Job.of_directory(planted.parent)
    assert found is not None and found.trusted
    with pytest.raises(SettingsError, match="cannot be imported"):  # it is run, and has no make
        found.load()
    assert (tmp_path / "was_run").exists()


VALID = {
    "data": 'sklearn = "iris"',
    "space": 'kind = "tabular"',
    "budget": "trials = 2",
}


@pytest.mark.parametrize(
    ("section", "lines", "message"),
    [
        ("data", "", r"\[data\] needs one of file = .* or sklearn.*; got none"),
        ("data", 'sklearn = "mnist"', r"\[data\] sklearn: expected one of digits, .*got 'mnist'"),
        ("data", 'file = "gone.npz"', r"\[data\] file: there is no file .*gone\.npz"),
        ("data", 'file = "config.toml"', r"\[data\] file: config\.toml is no table"),
        ("data", 'sklearn = "iris"\nvalidaton = 0.2', r"\[data\] validaton: unknown; did you mean 'validation'\?"),
        ("data", 'sklearn = "iris"\ntest = 1.5', r"\[data\] test: expected a share, 0 to below 1, got 1\.5"),
        ("data", 'sklearn = "iris"\nvalidation = 1.5', r"validation: expected a share in \(0, 1\).*1\.5"),
        ("space", "units = 3", r"\[space\] units: unknown"),
        ("space", 'kind = "picture"', r"\[space\] kind: expected auto, .*image.*tabular.*got 'picture'"),
        ("space", 'kind = "tabular"\nunit = 3', r"\[space\] unit: unknown; did you mean 'units'\?"),
        ("space", 'kind = "nowhere:make"', r"\[space\] kind: 'nowhere:make' cannot be imported"),
        ("budget", "", r"\[budget\] is missing: give epochs, trials or minutes"),
        ("budget", "epochs = 0", r"budget: epochs: expected a whole number of 1 or more, got 0"),
        ("budget", "epoch = 5", r"\[budget\] epoch: unknown; did you mean 'epochs'\?"),
        ("ensemble", "members = 5", r"\[ensemble\] members: unknown"),
        ("algorithm", 'name = "Simulated"', r"\[algorithm\] name: expected one of .*RandomSearch.*got 'Simulated'"),
        ("algorithm", 'name = "RandomSearch"\ninital = 3', r"\[algorithm\] inital: unknown; did you mean 'initial'"),
        ("campaign", "sede = 3", r"\[campaign\] sede: unknown; did you mean 'seed'\?"),
        ("campaign", "directory = 3", r"\[campaign\] directory: expected a path, got 3"),
        ("campain", "seed = 3", r"campain: unknown; did you mean 'campaign'\?"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, section: str, lines: str, message: str) -> None:
    sections = {**VALID, section: lines}
    path = written(tmp_path, "\n".join(f"[{name}]\n{text}" for name, text in sections.items()))
    with pytest.raises(EvoError, match=message):
        job = Job.read(path)
        job.budget()
        job.load()
        job.campaign_arguments()


def test_files_that_are_no_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"config: .*gone\.toml cannot be read: No such file"):
        Job.read(tmp_path / "gone.toml")
    with pytest.raises(SettingsError, match=r"config: .*config\.toml is not valid TOML: .*line 1"):
        Job.read(written(tmp_path, "budget = = 3"))


def test_arrays_that_are_not_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.zeros((4, 2)), y=np.zeros(4))
    path = written(tmp_path, '[data]\nfile = "d.npz"\n[space]\nkind = "tabular"\n[budget]\ntrials = 1')
    with pytest.raises(DataError, match=r"d\.npz holds no array 'x'; it holds images, y"):
        Job.read(path).load()
