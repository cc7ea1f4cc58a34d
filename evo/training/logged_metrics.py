"""Which metrics the trials of a space log, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genomes.spaces.hypermodel.space import HypermodelSpace


def logged_metrics(space: Any) -> tuple[str, ...] | None:
    """Names of what a trial logs of the training rows (``loss``, ``accuracy``); with ``val_`` of the validation rows.

    More names rather than fewer: an objective is refused if it is not among them.

    Args:
        space: a space; of a hypermodel the model of the default values is built.

    Returns:
        The names; None where they cannot be told, since the program has a training step of its own, or several
        losses for outputs that no one knows before the model is called.
    """
    if not isinstance(space, HypermodelSpace):
        try:
            return ("loss", *_names(space.metrics()))
        except Exception:  # a space of the user's own; the first outcome will tell
            return None
    import keras

    if space.has_own_fit:
        return None  # whatever the user's fit returns
    try:
        model = space.build(space.default())
    except Exception:  # the first trial says it better, or another candidate can be built
        return None
    if any(getattr(type(model), step) is not getattr(keras.Model, step) for step in ("train_step", "test_step")):
        return None
    if type(model).compile is not keras.Model.compile:
        return None
    outputs = _outputs(model)
    if not outputs and isinstance(model.loss, (Mapping, list, tuple)):
        return None
    compiled = getattr(model, "_compile_metrics", None)
    own = [
        *_names(getattr(compiled, "_user_metrics", None)),
        *_names(getattr(compiled, "_user_weighted_metrics", None)),
        *(metric.name for metric in model.metrics if metric.name not in ("loss", "compile_metrics")),
    ]
    of_outputs = [f"{output}_{name}" for output in outputs for name in (*own, "loss")]
    return ("loss", *dict.fromkeys([*own, *(of_outputs if len(outputs) > 1 else ())]))


def _outputs(model: Any) -> list[str]:
    """What a functional model's outputs are called in logs: by their layers or, within one another, by their places."""
    import keras

    names = list(getattr(model, "output_names", None) or ())
    structure = getattr(model, "_outputs_struct", None)
    places = keras.tree.flatten_with_path(structure) if names and structure is not None else []
    return list(dict.fromkeys([*names, *("/".join(map(str, path)) for path, _ in places if path)]))


def _names(metrics: Any) -> list[str]:
    """Names in a nested structure of metrics as ``compile`` takes them: every name that one may be logged under."""
    import keras

    if metrics is None:
        return []
    if isinstance(metrics, Mapping):
        inner = [(str(output), _names(metric)) for output, metric in metrics.items()]
        return [name for _, names in inner for name in names] + [f"{o}_{name}" for o, names in inner for name in names]
    if isinstance(metrics, (list, tuple)):
        return [name for metric in metrics for name in _names(metric)]
    if metrics in ("accuracy", "acc", "crossentropy", "ce"):
        return [metrics]  # Keras chooses the metric by the shapes of the first batch
    if isinstance(metrics, str):
        found = keras.metrics.get(metrics)
        return [metrics, str(getattr(found, "name", None) or getattr(found, "__name__", metrics))]
    name = str(getattr(metrics, "name", None) or getattr(metrics, "__name__", type(metrics).__name__))
    return [name, *_names_of_results(metrics)]


def _names_of_results(metric: Any) -> list[str]:
    """Names in the result of a metric of the user's own that gives a dict."""
    import keras

    if not isinstance(metric, keras.metrics.Metric) or type(metric).__module__.startswith("keras."):
        return []
    try:
        result = metric.result()
    except Exception:  # it has not seen a batch yet
        return []
    return [str(name) for name in result] if isinstance(result, Mapping) else []
