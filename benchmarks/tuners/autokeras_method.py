"""AutoKeras, in an environment of its own: it breaks on newer releases of Keras.

This file has two halves. :func:`run` is called here, and starts the file itself
as a program with the other environment's Python; that half imports nothing of
this project, because it is not installed there.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.tasks import Task
    from benchmarks.tuners.metering import Meter
    from benchmarks.tuners.runs import Delivery, RunSpec


def run(task: Task, spec: RunSpec, meter: Meter) -> Delivery:
    """One search by AutoKeras; arguments as for the other methods' ``run``.

    Raises:
        RuntimeError: the other Python failed; with the end of what it said.
    """
    from benchmarks.tuners.metering import TrialRow
    from benchmarks.tuners.products import judge
    from benchmarks.tuners.runs import Delivery

    folder = Path(spec.folder)
    request = {
        "task_file": spec.task_file,
        "seed": spec.seed,
        "minutes": spec.minutes,
        "epochs": spec.epochs,
        "trial_epochs": spec.trial_epochs,
        "patience": spec.patience,
        "folder": str(folder / "autokeras"),
        "out": str(folder / "autokeras.json"),
        "predictions": str(folder / "autokeras.npz"),
        "objective": task.objective,
        "already": meter.seconds,
    }
    (folder / "autokeras.request.json").write_text(json.dumps(request), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [spec.extra["autokeras_python"], str(Path(__file__).resolve()), str(folder / "autokeras.request.json")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"AutoKeras ended with status {finished.returncode}: {finished.stderr.strip()[-500:]}")
    answer = json.loads((folder / "autokeras.json").read_text(encoding="utf-8"))
    meter.trials = [TrialRow(**record) for record in answer["trials"]]
    meter.evaluations = answer["evaluations"]
    meter.epochs, meter.samples = answer["epochs"], answer["samples"]
    meter.proposing, meter.training = answer["proposing"], answer["training"]
    if not answer["delivered"]:
        return Delivery([], answer["ended"], notes={"versions": answer["versions"]})
    with np.load(folder / "autokeras.npz", allow_pickle=False) as data:
        product = judge(task, "best", data["validation"], data["test"], parameters=answer["parameters"])
    return Delivery([product], answer["ended"], notes={"versions": answer["versions"]})


# -- the half that runs over there -----------------------------------------------------------


class _Spent(BaseException):
    """Ends AutoKeras' search; no ``Exception``, because its tuner turns those into failed trials."""


def _columns(data: Any, role: str, names: list[str]) -> Any:
    if f"x_{role}" in data:
        return data[f"x_{role}"]
    # One array of objects, as AutoKeras takes mixed columns.
    return np.stack([data[f"x_{role}\\{name}"].astype(object) for name in names], axis=1)


def _over_there(path: str) -> int:
    request = json.loads(Path(path).read_text(encoding="utf-8"))
    started = time.monotonic() - request["already"]
    with np.load(request["task_file"], allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    facts = json.loads(str(data.pop("facts")))
    names = [name.split("\\", 1)[1] for name in data if name.startswith("x_train\\")]
    train, validation, test = (_columns(data, role, names) for role in ("train", "validation", "test"))

    import autokeras  # type: ignore[import-not-found]
    import keras

    keras.utils.set_random_seed(request["seed"])
    state: dict[str, Any] = {
        "trials": [],
        "evaluations": [],
        "epochs": 0,
        "samples": 0,
        "proposing": 0.0,
        "training": 0.0,
        "ended": "exhausted",
    }
    rows = len(data["y_train"])

    def spent() -> bool:
        if request["epochs"] is not None:
            return bool(state["epochs"] >= request["epochs"])
        return bool(time.monotonic() - started >= 60 * request["minutes"])

    class Count(keras.callbacks.Callback):  # type: ignore[misc]
        """Counts in module state: AutoKeras deep-copies callbacks."""

        def __deepcopy__(self, memo: Any) -> Count:
            return Count()

        def on_train_begin(self, logs: Any = None) -> None:
            if spent():
                raise _Spent
            now = time.monotonic() - started
            last = state["trials"][-1]["finished"] if state["trials"] else request["already"]
            state["proposing"] += now - last
            state["trials"].append(
                {
                    "trial": len(state["trials"]),
                    "status": "running",
                    "started": now,
                    "finished": now,
                    "proposing": now - last,
                    "parameters": int(self.model.count_params()),
                    "validation_score": math.nan,
                }
            )

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if request["minutes"] is not None and spent():
                self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            trial, now = state["trials"][-1], time.monotonic() - started
            score = float((logs or {}).get(request["objective"], math.nan))
            state["epochs"] += 1
            state["samples"] += rows
            trial["epochs"] = trial.get("epochs", 0) + 1
            trial["samples"] = trial.get("samples", 0) + rows
            known = trial["validation_score"]
            better = min if request["objective"] == "val_rmse" else max
            trial["validation_score"] = score if math.isnan(known) else better(known, score)
            trial.update(finished=now, total_epochs=state["epochs"], total_samples=state["samples"])
            state["evaluations"].append(
                {
                    "trial": trial["trial"],
                    "total_epochs": state["epochs"],
                    "total_samples": state["samples"],
                    "seconds": now,
                    "validation_score": score,
                }
            )
            if spent():
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            trial = state["trials"][-1]
            trial["status"] = "completed"
            state["training"] += trial["finished"] - trial["started"]

    regression = facts["target"] == "regression"
    kind = {"image": "Image", "text": "Text", "tabular": "StructuredData"}[facts["kind"]]
    maker = getattr(autokeras, kind + ("Regressor" if regression else "Classifier"))
    metric = keras.metrics.RootMeanSquaredError(name="rmse") if regression else "accuracy"
    objective: Any = request["objective"]
    if regression:
        import keras_tuner

        objective = keras_tuner.Objective("val_rmse", "min")
    model = maker(
        max_trials=10**6,
        objective=objective,
        metrics=[metric],
        directory=request["folder"],
        overwrite=True,
        seed=request["seed"],
    )
    stop = keras.callbacks.EarlyStopping(
        monitor=request["objective"], mode="min" if regression else "max", patience=request["patience"]
    )
    try:
        model.fit(
            train,
            data["y_train"],
            validation_data=(validation, data["y_validation"]),
            epochs=request["trial_epochs"],
            callbacks=[Count(), stop],
            verbose=0,
        )
    except _Spent:
        state["ended"] = "budget"
    try:
        best = model.tuner.get_best_model()
        state["parameters"] = int(best.count_params())
        # AutoKeras keeps its preprocessing beside the model, one for each trial.
        from autokeras import pipeline

        trial = model.tuner.oracle.get_best_trials(1)[0]
        steps = pipeline.load_pipeline(model.tuner._pipeline_path(trial.trial_id))
        inputs = [steps.transform_x(model._adapt(x, model.inputs)) for x in (validation, test)]
        found = [np.asarray(best.predict(x, verbose=0)) for x in inputs]
        np.savez(request["predictions"], validation=found[0], test=found[1])
        state["delivered"] = True
    except Exception as error:  # no trial was finished
        state["delivered"] = False
        print(f"no model: {error}", file=sys.stderr)
    state["versions"] = {"autokeras": autokeras.__version__, "keras": keras.__version__}
    Path(request["out"]).write_text(json.dumps(state), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(_over_there(sys.argv[1]))
