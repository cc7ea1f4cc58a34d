"""The same trials done by evo and by Keras' own ``compile`` and ``fit``."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.fidelity.difference import Training
from benchmarks.fidelity.program import Program, Rows

SEED = 11


def evo_trainings(
    program: Program,
    directory: Path,
    seeds: Sequence[int] = (SEED,),
    strategy: str = "cpu",
    corrected: bool = False,
) -> list[Training]:
    """Every trial of a program, one after the other in this process, as a worker does them.

    Args:
        program: what to train.
        directory: for state files.
        seeds: of weights and order: all trials with the first one, then all with the second, and so on.
        strategy: evo's setting.
        corrected: with the correction of batch normalisation's moving averages after the first epoch, which
            Keras does not do.
    """
    import evo
    from evo.core.trial import Status
    from evo.training.backends.choice import engine_cache
    from evo.training.shipped_callbacks import ShippedCallbacks
    from evo.training.task import TrainingSettings, TrialTask
    from evo.training.trial import train

    engine_cache().clear()
    rows = program.rows()
    try:
        space = space_of(program)
        genomes = genomes_of(program, space)
        prepared = evo.Data(
            rows.x, rows.y, validation=rows.validation, sample_weight=rows.weight, class_weight=rows.class_weight
        ).prepare(space)
        preprocessing = _preprocessing(space, prepared, directory)
    except Exception as error:
        return [Training(problem=f"before training: {type(error).__name__}: {error}")] * _count(program) * len(seeds)
    data = prepared.in_memory()
    found = []
    for number, (seed, genome) in enumerate(itertools.product(seeds, genomes)):
        task = TrialTask(
            number=number,
            space=space.to_json(),
            genome=genome.to_json(),
            first_epoch=0,
            last_epoch=program.epochs,
            seed=seed,
            directory=str(directory / str(number)),
            data=data,
            preprocessing=preprocessing,
            settings=TrainingSettings(precision=program.precision, strategy=strategy, threads=1),
            # As a campaign trains what is trained in full; the rates of genes fall then.
            final=program.build is not None,
            callbacks=ShippedCallbacks(program.callbacks()),
        )
        hits = engine_cache().hits
        with _watched_engines() as engines, _settling(corrected):
            report = train(task)
        engine = type(engines[-1]).__name__ if engines else "none"
        on_replicas = getattr(engines[-1], "strategy", None) is not None if engines else False
        reused = engine_cache().hits > hits
        if not report.outcome.completed or report.state is None:
            problem, diverged = report.outcome.message or "not completed", report.outcome.status is Status.DIVERGED
            found.append(
                Training(engine=engine, on_replicas=on_replicas, reused=reused, problem=problem, diverged=diverged)
            )
            continue
        from evo.training.state import read_weights

        weights = list(read_weights(report.state).values())
        curves = {name: list(values) for name, values in report.outcome.curves.items()}
        found.append(Training(curves, weights, engine, on_replicas, reused))
    return found


def keras_trainings(program: Program, seeds: Sequence[int] = (SEED,), strategy: Any = None) -> list[Training]:
    """The same trials as a user would do them by hand, each from the beginning.

    Args:
        program: what to train.
        seeds: as for :func:`evo_trainings`. With several, a trial's model is compiled once and begins anew
            with the weights and the generators' seeds that each seed gives it.
        strategy: a ``tf.distribute.Strategy``, or None.
    """
    import keras

    models: dict[int, Any] = {}
    found = []
    for seed, number in itertools.product(seeds, range(_count(program))):
        try:
            found.append(_keras_training(program, number, seed, strategy, models if len(seeds) > 1 else None))
        except Exception as error:
            found.append(Training(problem=f"{type(error).__name__}: {error}"))
        finally:
            keras.config.set_dtype_policy("float32")
    return found


def _keras_training(
    program: Program, number: int, seed: int, strategy: Any, models: dict[int, Any] | None = None
) -> Training:
    import keras

    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy(program.precision)
    keras.utils.set_random_seed(seed)
    rows = program.rows()
    callbacks: list[Any] = list(program.callbacks())
    with strategy.scope() if strategy is not None else contextlib.nullcontext():
        if program.build is not None:
            model = program.build(hyperparameters(program.trials[number]))
        else:
            space = space_of(program)
            model, rows = _model_of_genes(program, space, genomes_of(program, space)[number], rows, seed, callbacks)
    judge = None
    if strategy is not None and program.build is not None and not program.single_fit:
        judge = program.build(hyperparameters(program.trials[number]))
    if models is not None:
        model = _begun_anew(models.setdefault(number, model), model, rows.x)
    curves: dict[str, list[float]] = {}
    if program.single_fit:
        batches, follow = _batches_of_each_epoch(rows, program.batch_size, seed)
        curves = _fit(model, batches, None, program, rows, [*callbacks, follow])
    else:
        from evo.training.trial import epoch_order

        for epoch in range(program.epochs):
            order = epoch_order(seed, epoch, count_rows(rows.x))
            x, y, weight = (taken(part, order) for part in (rows.x, rows.y, rows.weight))
            history = _fit(model, x, y, program, rows, callbacks, weight=weight, judge=judge)
            for name, values in history.items():
                curves.setdefault(name, []).extend(values)
    return Training(curves, [np.asarray(value) for value in model.get_weights()])


def _begun_anew(compiled: Any, fresh: Any, x: Any) -> Any:
    """A model that was trained before with what a fresh one of the same structure begins with; ``x`` builds it."""
    import keras

    if compiled is fresh:
        return fresh
    if not fresh.built:
        fresh(keras.tree.map_structure(lambda part: keras.ops.convert_to_tensor(part[:1]), x))
    fresh.optimizer.build(fresh.trainable_variables)
    kept, given = ([*model.variables, *model.optimizer.variables] for model in (compiled, fresh))
    for variable, value in zip(kept, given, strict=True):
        variable.assign(value)
    return compiled


def _fit(
    model: Any,
    x: Any,
    y: Any,
    program: Program,
    rows: Rows,
    callbacks: list[Any],
    weight: Any = None,
    judge: Any = None,
) -> dict[str, list[float]]:
    """Keras' own ``fit``; ``judge``, a model of one device, evaluates what a strategy's replicas have trained."""
    import keras

    given: dict[str, Any] = {} if program.single_fit else {"batch_size": program.batch_size, "sample_weight": weight}
    if rows.class_weight is not None:
        given["class_weight"] = dict(rows.class_weight)
    history = model.fit(
        x,
        y,
        epochs=program.epochs if program.single_fit else 1,
        shuffle=False,
        validation_data=rows.validation if judge is None else None,
        validation_batch_size=program.batch_size,
        callbacks=callbacks,
        verbose=0,
        **given,
    ).history
    if judge is not None:
        first = keras.tree.map_structure(lambda part: part[:1], rows.validation)
        judge.evaluate(*first[:2], verbose=0)
        judge.set_weights(model.get_weights())
        arrays = dict(zip(("x", "y", "sample_weight"), rows.validation, strict=False))
        found = judge.evaluate(**arrays, batch_size=program.batch_size, verbose=0, return_dict=True)
        history |= {f"val_{name}": [value] for name, value in found.items()}
    curves: dict[str, list[float]] = {}
    for name, values in history.items():
        for value in values:
            for index, number in enumerate(np.reshape(value, -1)):
                # Keras logs arrays too, evo a number for each of their entries.
                curves.setdefault(name if np.ndim(value) == 0 else f"{name}[{index}]", []).append(float(number))
    return curves


def _batches_of_each_epoch(rows: Rows, size: int, seed: int) -> tuple[Any, Any]:
    """The rows in batches for one call of ``fit``, each epoch in its own order, and the callback that tells the epoch.

    A data set's own ``on_epoch_end`` does not tell it: Keras calls it once more after it has looked at the first batch.
    """
    import keras

    from evo.training.trial import epoch_order

    total = count_rows(rows.x)

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        epoch = 0

        def __len__(self) -> int:
            return math.ceil(total / size)

        def __getitem__(self, index: int) -> tuple[Any, ...]:
            order = epoch_order(seed, self.epoch, total)[index * size : (index + 1) * size]
            parts = (rows.x, rows.y) if rows.weight is None else (rows.x, rows.y, rows.weight)
            return tuple(taken(part, order) for part in parts)

    batches = Batches()

    class Follow(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            batches.epoch = epoch

    return batches, Follow()


def _model_of_genes(
    program: Program, space: Any, genome: Any, rows: Rows, seed: int, callbacks: list[Any]
) -> tuple[Any, Rows]:
    """A genome's model, compiled with what the space tells, and the rows as the space prepares them."""
    import keras

    import evo

    prepared = evo.Data(rows.x, rows.y, validation=rows.validation, sample_weight=rows.weight).prepare(space)
    x, y = prepared.get("x_train"), prepared.get("y_train")
    preprocessing = space.adapt(x, y) or None
    model = space.build(genome, preprocessing, "float32", seed=seed)
    loss = space.loss(genome, preprocessing) if preprocessing else space.loss(genome)
    optimizer = space.optimizer(genome)
    steps = -(-count_rows(x) // int(space.batch_size(genome)))
    rates = iter(space.learning_rates(genome, 0, program.epochs, False, steps))

    class Rates(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            optimizer.learning_rate = float(next(rates))

    callbacks.append(Rates())
    model.compile(optimizer, loss, metrics=space.metrics())
    validation: tuple[Any, ...] = (prepared.get("x_validation"), prepared.get("y_validation"))
    if prepared.get("weight_validation") is not None:
        validation = (*validation, prepared.get("weight_validation"))
    return model, Rows(x, y, validation, prepared.get("weight_train"))


def space_of(program: Program) -> Any:
    """The space of a program."""
    if program.space is not None:
        return program.space()
    from genomes.spaces import from_hypermodel

    return from_hypermodel(program.build, objective="-val_loss", batch_size=program.batch_size, builds=8)


def genomes_of(program: Program, space: Any) -> list[Any]:
    """The genomes of a program's trials."""
    if program.genomes is not None:
        return list(program.genomes(space))
    return [space.genome(dict(values)) for values in program.trials]


def hyperparameters(values: Mapping[str, Any]) -> Any:
    """KerasTuner's hyperparameters with these values, the others at their defaults."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return hp


def taken(arrays: Any, order: np.ndarray) -> Any:
    """Rows of an array or of a list, tuple or dict of arrays; None of None."""
    if arrays is None:
        return None
    if isinstance(arrays, Mapping):
        return {name: taken(part, order) for name, part in arrays.items()}
    if isinstance(arrays, (list, tuple)):
        return type(arrays)(taken(part, order) for part in arrays)
    return arrays[order]


def count_rows(arrays: Any) -> int:
    """Rows of an array, or of the first of several."""
    if isinstance(arrays, Mapping):
        return count_rows(next(iter(arrays.values())))
    return count_rows(arrays[0]) if isinstance(arrays, (list, tuple)) else len(arrays)


def _count(program: Program) -> int:
    if program.genomes is None or program.space is None:
        return len(program.trials)
    return len(program.genomes(program.space()))


def _preprocessing(space: Any, prepared: Any, directory: Path) -> str | None:
    found = space.adapt(prepared.get("x_train"), prepared.get("y_train"))
    if not found:
        return None
    os.makedirs(directory, exist_ok=True)
    path = directory / "preprocessing.npz"
    np.savez(path, **found)
    return str(path)


@contextlib.contextmanager
def _watched_engines() -> Iterator[list[Any]]:
    """The engines that trials ask for meanwhile."""
    import evo.training.trial as trial

    ask, engines = trial.engine_for, []

    def asked(*arguments: Any, **named: Any) -> Any:
        engines.append(ask(*arguments, **named))
        return engines[-1]

    with mock.patch.object(trial, "engine_for", asked):
        yield engines


def _settling(on: bool) -> contextlib.AbstractContextManager[Any]:
    """Without the correction of moving averages after the first epoch, unless it is asked for."""
    if on:
        return contextlib.nullcontext()
    from genomes.spaces.base import Space
    from genomes.spaces.hypermodel.space import HypermodelSpace

    stack = contextlib.ExitStack()
    for kind in (Space, HypermodelSpace):
        stack.enter_context(mock.patch.object(kind, "settle", lambda *_: None))
    return stack
