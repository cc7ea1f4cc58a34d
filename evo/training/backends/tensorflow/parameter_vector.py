"""One optimizer update for all weights together instead of one per weight.

Optimizers that work element by element (Adam, SGD, RMSprop ...) do the same
to a vector of all weights as to each weight alone. The vector needs a few
operations where a network of thirty weights needs six hundred: less to trace
and less to run. Results are Keras' to the last bits of float32.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from evo.training.backends.engine import Recipe

#: Keras optimizers whose update of an element depends on nothing but that element's history.
_ELEMENTWISE = ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Nadam", "RMSprop", "SGD")


class ParameterVector:
    """The trainable weights of a model as one or two vectors that the optimizer updates.

    Two, where weight decay spares some of the weights.

    Args:
        variables: the model's trainable variables.
        optimizer: not built yet; it is built here.
    """

    def __init__(self, variables: list[Any], optimizer: Any) -> None:
        self.optimizer = optimizer
        inner = _inner(optimizer)
        decays = [inner.weight_decay is not None and inner._use_weight_decay(variable) for variable in variables]
        self.groups: list[list[Any]] = []
        self.vectors: list[Any] = []
        spared = []
        for decayed in (True, False):
            group = [variable for variable, decay in zip(variables, decays, strict=True) if decay is decayed]
            if not group:
                continue
            size = sum(int(variable.value.shape.num_elements()) for variable in group)
            vector = keras.Variable(tf.zeros([size]), dtype="float32", name=f"vector_{len(self.vectors)}")
            self.groups.append(group)
            self.vectors.append(vector)
            if not decayed:
                spared.append(vector)
        if inner.weight_decay is not None:
            inner.exclude_from_weight_decay(var_list=spared)
        optimizer.build(self.vectors)
        self.gather()

    @staticmethod
    def suits(variables: list[Any], optimizer: Any) -> bool:
        """Whether the optimizer gives the same on a vector as on each weight alone.

        One that is built has a state for each weight: of a model that was loaded, or trained before it was given.
        """
        inner = _inner(optimizer)
        return (
            bool(variables)
            and inner is not None
            and type(inner).__name__ in _ELEMENTWISE
            and type(inner).__module__.startswith("keras.")
            and hasattr(inner, "_use_weight_decay")
            and not inner.built
            and not inner.clipnorm
            and not inner.use_ema
            and not inner.gradient_accumulation_steps
            and all(
                variable.dtype == "float32"
                and variable.constraint is None
                and not getattr(variable, "overwrite_with_gradient", False)
                for variable in variables
            )
        )

    @staticmethod
    def owns_weights(recipe: Recipe) -> bool:
        """Whether nothing but the optimizer is known to change the model's trainable weights while it trains.

        Keras' spectral normalization divides its kernel in every step, and a user's layer may do the like: what a layer
        writes into a weight would be lost, as the vector is what counts.
        """
        spectral = keras.layers.SpectralNormalization
        layers = recipe.model._flatten_layers()
        return recipe.unknown_layer is None and not any(isinstance(layer, spectral) for layer in layers)

    def gather(self) -> None:
        """Take the weights' values over into the vectors, after they were changed from outside."""
        for group, vector in zip(self.groups, self.vectors, strict=True):
            vector.assign(tf.concat([tf.reshape(variable.value, [-1]) for variable in group], 0))

    def apply(self, gradients: dict[int, Any]) -> None:
        """Update weights and vectors.

        Args:
            gradients: by ``id`` of the variable; None leaves a weight as it is.
        """
        flat = []
        for group in self.groups:
            parts = []
            for variable in group:
                gradient = gradients[id(variable)]
                if gradient is None:
                    gradient = tf.zeros_like(variable.value)
                parts.append(tf.reshape(tf.convert_to_tensor(gradient), [-1]))
            flat.append(tf.concat(parts, 0))
        self.optimizer.apply(flat, self.vectors)
        for group, vector in zip(self.groups, self.vectors, strict=True):
            sizes = [int(variable.value.shape.num_elements()) for variable in group]
            for variable, part in zip(group, tf.split(vector.value, sizes), strict=True):
                if gradients[id(variable)] is not None:
                    variable.value.assign(tf.reshape(part, variable.value.shape))


def _inner(optimizer: Any) -> Any:
    """The optimizer inside loss scaling, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)
