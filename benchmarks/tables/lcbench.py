"""LCBench (Zimmer et al. 2021) as the surrogate of YAHPO Gym (Pfisterer et al. 2022)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables.table import Table, TableError, Values, existing
from genomes.domains import Float, Int
from genomes.spaces.vector import vector

#: The only instances that anything may be tuned on; the others judge.
TUNING_INSTANCES = ("3945", "7593", "34539", "126025", "167149", "168868", "189866", "189906")

EPOCHS = 52
_FIELDS = (
    "batch_size",
    "learning_rate",
    "momentum",
    "weight_decay",
    "num_layers",
    "max_units",
    "max_dropout",
)
_VALIDATION_ACCURACY = 1


def lcbench(data: Path, instance: str) -> Table:
    """Multilayer perceptrons on one of 34 data sets: validation accuracy over 52 epochs.

    Args:
        data: folder of the data; ``lcbench/`` in it is read.
        instance: OpenML's task number.
    """
    import onnxruntime

    folder = data / "lcbench"
    encoding = json.loads(existing(folder / "encoding.json").read_text())["OpenML_task_id"]
    known = pd.read_csv(existing(folder / "lcbench_random20k_epoch52.csv"), dtype={"instance": str})
    if instance not in encoding or instance not in set(known["instance"]):
        raise TableError(f"instance: expected one of {', '.join(known['instance'])}, got {instance!r}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(existing(folder / "model.onnx")), options, providers=["CPUExecutionProvider"]
    )
    kind = np.array([encoding[instance]], dtype=np.int32)[:, None]

    def accuracy(values: Values, epochs: int) -> float:
        numbers = [float(epochs), *(float(values[name]) for name in _FIELDS)]  # type: ignore[arg-type]
        given = {"x_cat": kind, "x_cont": np.array([numbers], dtype=np.float32)}
        return float(session.run(None, given)[0][0, _VALIDATION_ACCURACY])

    space = vector(
        {
            "batch_size": Int(16, 512, log=True, default=91),
            "learning_rate": Float(1e-4, 1e-1, log=True, default=10**-2.5),
            "momentum": Float(0.1, 0.99, default=0.545),
            "weight_decay": Float(1e-5, 0.1, default=0.05),
            "num_layers": Int(1, 5, default=3),
            "max_units": Int(64, 1024, log=True, default=256),
            "max_dropout": Float(0.0, 1.0, default=0.5),
        }
    )
    return Table(
        name=f"lcbench-{instance}",
        space=space,
        epochs=EPOCHS,
        rungs=None,
        observe=lambda values, epochs, rng: accuracy(values, epochs),
        truth=lambda values: accuracy(values, EPOCHS),
        best=float(known.set_index("instance").loc[instance, "best"]),
    )
