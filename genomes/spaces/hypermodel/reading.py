"""Reads KerasTuner's ``build(hp)`` functions and hypermodels, unchanged, as spaces."""

from __future__ import annotations

from typing import Any

from genomes.checks import whole_number
from genomes.errors import GenomeError
from genomes.spaces.hypermodel.adjusted import AdjustedHypermodel, only_allowed, written_objective
from genomes.spaces.hypermodel.exploration import Explorer
from genomes.spaces.hypermodel.identity import identity_of
from genomes.spaces.hypermodel.own_fit import ask, fit_function
from genomes.spaces.hypermodel.registration import build_function, register
from genomes.spaces.hypermodel.space import HypermodelSpace
from genomes.targets import Target


def from_hypermodel(
    build: Any,
    *,
    objective: Any = "val_accuracy",
    batch_size: int = 32,
    builds: int = 40,
    classes: int | None = None,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | None = None,
    hyperparameters: Any = None,
    tune_new_entries: bool = True,
    allow_new_entries: bool = True,
    optimizer: Any = None,
    loss: Any = None,
    metrics: Any = None,
    corrected_statistics: bool = False,
    falling_rate: bool = False,
) -> HypermodelSpace:
    """The space of a KerasTuner ``build(hp)`` function or ``HyperModel``, unchanged.

    Needs the package keras-tuner. The function is run up to ``builds`` times to find its
    hyperparameters: with defaults, until every conditional scope was active, and with
    other values of one at a time, which shows what loops and ifs depend on
    (:mod:`genomes.spaces.hypermodel.exploration`). A hyperparameter that is not found
    this way keeps its default. The models are trained with the loss, metrics and optimizer that the
    function compiles them with.

    Args:
        build: function of ``hp`` that returns a compiled ``keras.Model``, or a ``HyperModel``.
        objective: default objective; ``val_`` and the name of a compiled metric, with a leading minus to minimize;
            or a ``keras_tuner.Objective``.
        batch_size: samples per step; a hyperparameter ``batch_size`` takes precedence.
        builds: most models that are built to explore; 1 for the defaults alone.
        classes: number of exclusive classes, if targets are to be checked and prepared (as whole
            numbers). Without any of the four, targets go to the loss as they are given.
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not.
        hyperparameters: a ``keras_tuner.HyperParameters`` that fixes or re-ranges what ``build`` asks for.
        tune_new_entries: whether hyperparameters that are not among these are tuned; else they keep their defaults.
        allow_new_entries: whether ``build`` may ask for others at all.
        optimizer: replaces the optimizer that the function compiles with; every model gets a fresh one.
        loss: likewise.
        metrics: likewise.
        corrected_statistics: remove the initial values from the moving averages of batch normalizations after
            the first epoch (:mod:`genomes.spaces.hypermodel.moving_statistics`). Short trainings then show what they
            learned; but what is reported is no longer what ``fit`` would report.
        falling_rate: in trainings of full length a constant learning rate falls linearly to 0, as no rate of
            ``fit`` does.

    Returns:
        The space.

    Raises:
        GenomeError: not a hypermodel, it fails with its default values, returns what is no model, or asks for what it
            may not.
        ImportError: keras-tuner is not installed.
    """
    try:
        import keras_tuner  # noqa: F401
    except ImportError as error:
        raise ImportError("from_hypermodel needs keras-tuner: pip install keras-tuner") from error

    builds = whole_number(builds, "builds", 1)
    target = None
    if any(value is not None for value in (classes, labels, outputs, task)):
        target = Target.infer(classes, outputs, labels, task)
    build_function(build)
    if any(value is not None for value in (hyperparameters, optimizer, loss, metrics)):
        build = AdjustedHypermodel(build, hyperparameters, optimizer, loss, metrics)
    function = build_function(build)
    before = identity_of(build)

    waiting: list[bool] = []

    def asking(hp: Any) -> Any:
        model = function(hp)
        waiting.append(not getattr(model, "built", True))  # before the user's own fit may build it
        ask(build, hp, model)
        return model

    explorer = Explorer(asking, builds, values=fit_function(build) is not None)
    found = explorer.run()
    if explorer.other:
        raise GenomeError(f"build: must return a keras.Model, got {explorer.other}")
    found = only_allowed(found, hyperparameters, tune_new_entries, allow_new_entries)
    after = identity_of(build)
    # What building changes (a counter, a list of what was built) is state.
    identity = {place: text for place, text in before.items() if after.get(place) == text}
    register(build, identity)
    return HypermodelSpace(
        build,
        found,
        objective=written_objective(objective),
        batch_size=batch_size,
        target=target,
        identity=identity,
        asks_for_inputs=any(waiting),
        corrected_statistics=corrected_statistics,
        falling_rate=falling_rate,
    )
