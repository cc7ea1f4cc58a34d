"""What the outputs of a compiled model mean, read off its loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from genomes.targets import Binary, Multiclass, Target

_REGRESSION = ("mse", "mae", "mean", "huber", "log_cosh", "logcosh", "poisson", "tweedie")


def target_of(model: Any, outputs: int) -> Target | None:
    """What a compiled model predicts; None where its loss does not say it, and where it has several outputs.

    Args:
        model: the model.
        outputs: columns of its predictions.
    """
    if isinstance(model.loss, (list, tuple, dict)) or len(getattr(model, "outputs", None) or [0]) > 1:
        return None
    return target_of_loss(model.loss, outputs)


def target_of_loss(loss: Any, outputs: int) -> Target | None:
    """What an output is trained to predict by a loss; None where that does not say it.

    Args:
        loss: a name, a function or a ``keras.losses.Loss``.
        outputs: columns of the predictions.
    """
    name = _name(loss)
    if "categorical" in name and outputs > 1:
        return Multiclass(outputs)
    if Binary.is_trained_by(name):
        return Target.infer(classes=2) if outputs == 1 else Target.infer(labels=outputs)
    return Target.infer(outputs=outputs) if name.startswith(_REGRESSION) else None


def takes_one_hot(loss: Any) -> bool:
    """Whether the loss compares probabilities of classes with one-hot rows."""
    name = _name(loss)
    return "categorical" in name and "sparse" not in name


def activation_of(loss: Any) -> str | None:
    """The activation that makes probabilities of what the model puts out; None where it puts these out itself."""
    config = loss.get_config() if hasattr(loss, "get_config") else {}
    if not (config.get("from_logits") or (config.get("fn_kwargs") or {}).get("from_logits")):
        return None
    return "softmax" if "categorical" in _name(loss) else "sigmoid"


def activated(predictions: np.ndarray, activation: str | None) -> np.ndarray:
    """Probabilities of logits, float32."""
    if activation is None:
        return predictions
    logits = np.asarray(predictions, np.float64)
    if activation == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def with_activation(model: Any, inputs: Any, activation: str | None, output: Any = None) -> Any:
    """The model with an activation behind it.

    Args:
        model: a built model, of one output or of several of which one is taken;
            its weights are shared, and it is no longer compiled: Keras would store its
            optimizer with whatever it is part of.
        inputs: symbolic inputs in the structure that it takes; None if the model tells them.
        activation: ``softmax`` or ``sigmoid``; None for none.
        output: name or number of the output that is taken; None where there is one.
    """
    import keras

    if activation is None:
        return model
    model.compiled, model.optimizer = False, None
    if inputs is None:
        inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    inputs = keras.tree.map_structure(lambda t: keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), inputs)
    made = model(inputs) if output is None else model(inputs)[output]
    return keras.Model(inputs, keras.layers.Activation(activation, dtype="float32")(made))


def _name(loss: Any) -> str:
    import keras

    if loss is None:
        return ""
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)).lower()
