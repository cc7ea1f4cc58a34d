"""Whether a model is evaluated row by row, so that batches of any size give the same mean."""

from __future__ import annotations

from typing import Any

from evo.training.backends.description import Unproven, described
from evo.training.backends.engine import Recipe

#: Keras losses that are means over rows of something that a row alone decides, by class and function name.
_MEANS = (
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
)


def is_row_by_row(recipe: Recipe) -> bool:
    """Whether loss and metrics on all validation rows are proven not to depend on how they are batched.

    Models of genomes are, whatever their genes. A model that came compiled is where one output, layers
    without masks, state or losses of their own, and a loss of Keras' that is a mean over rows make it;
    any other one is evaluated in batches of the training size, as ``fit`` does.
    """
    model = recipe.model
    if not recipe.space.compiles_models:
        return True
    compiled = model._compile_loss
    if compiled is None or type(model).compute_loss is not _keras_model().compute_loss:
        return False
    loss = _loss_object(compiled._user_loss)
    if type(loss).__name__ not in _MEANS or getattr(loss, "reduction", None) != "sum_over_batch_size":
        return False
    if len(getattr(model, "outputs", None) or ()) != 1:
        return False
    metrics = model._compile_metrics
    try:
        described([] if metrics is None else [metrics._user_metrics, metrics._user_weighted_metrics])
    except Unproven:
        return False
    return recipe.unknown_layer is None and not any(_mixes_rows(layer) for layer in model._flatten_layers())


def _mixes_rows(layer: Any) -> bool:
    return bool(
        getattr(layer, "mask_zero", False)
        or type(layer).__name__ in ("Masking", "ActivityRegularization")
        or getattr(layer, "stateful", False)
        or getattr(layer, "activity_regularizer", None) is not None
    )


def _loss_object(given: Any) -> Any:
    """A loss of Keras' as an object; None for anything else."""
    import keras

    if isinstance(given, str):
        if given in ("crossentropy", "ce"):
            return keras.losses.CategoricalCrossentropy()
        given = keras.losses.get(given)
    if isinstance(given, keras.losses.Loss):
        return given if type(given).__module__.startswith("keras.") else None
    if not str(getattr(given, "__module__", "")).startswith("keras."):
        return None
    name = str(getattr(given, "__name__", "")).replace("_", "")
    return next((getattr(keras.losses, kind)() for kind in _MEANS if kind.lower() == name), None)


def _keras_model() -> Any:
    import keras

    return keras.Model
