"""NAS-Bench-201 (Dong & Yang 2020) and NAS-Bench-Macro (Su et al. 2021)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables.table import Table, TableError, Values, existing
from genomes.domains import Choice
from genomes.spaces.vector import vector

_EDGES = ("e0_1", "e0_2", "e1_2", "e0_3", "e1_3", "e2_3")
_OPERATIONS = 5
_LAYERS = 8


def nasbench201(data: Path, dataset: str = "c10", rungs: tuple[int, ...] = (200,)) -> Table:
    """NAS-Bench-201: an operation on each of six edges of a cell.

    At 200 epochs the noise-free target ``*_test_200`` is observed; with the rungs
    (12, 200) the validation accuracy after 12 epochs comes first.

    Args:
        data: folder of the data; ``nas/nb201.csv.gz`` in it is read.
        dataset: ``c10`` or ``c100``.
        rungs: ``(200,)`` or ``(12, 200)``.
    """
    if dataset not in ("c10", "c100") or rungs not in ((200,), (12, 200)):
        raise TableError(f"nb201: expected c10 or c100 with rungs (200,) or (12, 200), got {dataset}, {rungs}")
    frame = pd.read_csv(existing(data / "nas" / "nb201.csv.gz"))
    code = sum(frame[edge] * _OPERATIONS**place for place, edge in enumerate(_EDGES)).to_numpy()
    columns = {}
    for epochs, column in ((12, f"{dataset}_val_12"), (200, f"{dataset}_test_200")):
        columns[epochs] = np.empty(len(frame))
        columns[epochs][code] = frame[column].to_numpy()
    isomorph = np.empty(len(frame), dtype=object)
    isomorph[code] = frame["isomorph"].to_numpy()

    def index(values: Values) -> int:
        return sum(int(values[edge]) * _OPERATIONS**place for place, edge in enumerate(_EDGES))  # type: ignore[arg-type]

    space = vector(
        {edge: Choice(range(_OPERATIONS), ordered=False) for edge in _EDGES},
        key=lambda values: str(isomorph[index(values)]),
    )
    return Table(
        name=f"nb201-{dataset}" + ("" if len(rungs) == 1 else "-rungs"),
        space=space,
        epochs=200,
        rungs=rungs,
        observe=lambda values, epochs, rng: float(columns[epochs][index(values)]),
        truth=lambda values: float(columns[200][index(values)]),
        best=float(columns[200].max()),
    )


def nasbench_macro(data: Path) -> Table:
    """NAS-Bench-Macro: one of three operations in each of eight layers; one of three seeds is observed.

    Args:
        data: folder of the data; ``nas/nas_bench_macro.csv.gz`` in it is read.
    """
    frame = pd.read_csv(existing(data / "nas" / "nas_bench_macro.csv.gz"), dtype={"arch": str})
    place = {arch: row for row, arch in enumerate(frame["arch"])}
    seeds = frame[["acc_seed0", "acc_seed1", "acc_seed2"]].to_numpy()
    mean = frame["acc_mean"].to_numpy()

    def row(values: Values) -> int:
        return place["".join(str(values[f"layer{layer}"]) for layer in range(_LAYERS))]

    return Table(
        name="nb-macro",
        space=vector({f"layer{n}": Choice((0, 1, 2), ordered=False) for n in range(_LAYERS)}),
        epochs=50,
        rungs=(50,),
        observe=lambda values, epochs, rng: float(seeds[row(values), rng.integers(3)]),
        truth=lambda values: float(mean[row(values)]),
        best=float(mean.max()),
    )
