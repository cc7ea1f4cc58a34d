"""Spaces whose genomes become Keras models that are trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from genomes.build import apply, recording
from genomes.costs import Cost, Shape
from genomes.errors import GenomeError
from genomes.genome import Genome
from genomes.spaces.base import Space
from genomes.targets import Target


@contextlib.contextmanager
def dtype_policy(name: str | None) -> Iterator[None]:
    """Make layers with that dtype policy inside the ``with`` block; the global policy is restored after it.

    Args:
        name: ``float32``, ``mixed_float16``, ``mixed_bfloat16``; None changes nothing.
    """
    import keras

    if name is None:
        yield
        return
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def unique_names(inputs: Any, outputs: Any) -> None:
    """Rename what stands between inputs and outputs where it bears an input's name.

    Inputs are named after a user's columns, which may be called ``units``, ``head`` or ``dense_3`` as layers are; Keras
    refuses a model in which two operations bear one name.
    """
    import keras

    taken = {tensor.name for tensor in keras.tree.flatten(inputs)}
    others: dict[int, Any] = {}
    tensors = list(keras.tree.flatten(outputs))
    while tensors:
        operation, node_index, _ = tensors.pop()._keras_history
        if id(operation) not in others and not isinstance(operation, keras.layers.InputLayer):
            others[id(operation)] = operation
            tensors += operation._inbound_nodes[node_index].input_tensors
    names = taken | {operation.name for operation in others.values()}
    for operation in others.values():
        if operation.name in taken:
            number = 1
            while f"{operation.name}_layer_{number}" in names:
                number += 1
            operation.name = f"{operation.name}_layer_{number}"
            names.add(operation.name)


class ModelSpace(Space):
    """What spaces of trained models share: building, and what the training settings say.

    Subclasses define :meth:`inputs` and :meth:`preprocess` where a sample is
    more than one array, and ``input_shape`` and ``target``.
    """

    input_shape: Shape
    target: Target
    #: Put before the names of layers of the preprocessing, where several spaces' stand in one model.
    layer_prefix: str = ""
    #: Ranks (without the batch axis) of what the last gene may give: a vector, or in some spaces one for each member.
    end_ranks: tuple[int, ...] = (1,)

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """What the target learns of the training labels: ``target_mean`` and ``target_scale`` of a regression's.

        Subclasses add what they learn of the inputs. With it head and loss compute in units of the targets' standard
        deviation, whatever the inputs are; campaigns that were begun without it are continued without it.
        """
        return {} if y is None else self.target.statistics(y)

    # -- model -----------------------------------------------------------------------
    def inputs(self) -> Any:
        """``keras.Input`` of raw samples, or a dict of them."""
        import keras

        return keras.Input(self.input_shape, name="input")

    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """From raw input to the Keras tensor that the first gene gets, by Keras layers.

        Args:
            inputs: what :meth:`inputs` gave.
            preprocessing: what :meth:`genomes.Space.adapt` found; empty before that.
        """
        return inputs

    def encoded_inputs(self) -> Any:
        """``keras.Input`` of samples as :meth:`genomes.Space.encode` gives them; None where that is the raw form."""
        return None

    def enter(self, x: Any) -> Any:
        """From the encoded tensor to the one that the first gene gets."""
        return x

    def head_inputs(self, body: Any, encoded: Any) -> Any:
        """What :meth:`head` gets: the last gene's vector; a list of tensors where it looks at encoded samples, too."""
        return body

    def head(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """From a tensor (batch, features) to predictions; regression is brought back to the targets' units."""
        return self.target.head(x, preprocessing)

    def input_cost(self) -> Cost:
        """Parameters and FLOPs of :meth:`preprocess`."""
        return Cost()

    def build(
        self,
        genome: Genome,
        preprocessing: Mapping[str, np.ndarray] | None = None,
        dtype: str | None = None,
        seed: int | None = None,
        encoded: bool = False,
    ) -> Any:
        """The untrained ``keras.Model``: preprocessing, the canonical genes, and the head."""
        import keras

        if seed is not None:
            keras.utils.set_random_seed(int(seed))
        # No-ops are not built: they would draw seeds, and equal phenotypes would train differently.
        genes = genome.canonical().genes
        with dtype_policy(dtype), recording() as recorder:
            inputs = self.encoded_inputs() if encoded else None
            if inputs is None:
                inputs = self.inputs()
                x = self.preprocess(inputs, preprocessing or {})
            else:
                x = inputs
            encoded_x = x
            x = self.enter(x)
            unique_names(inputs, x)
            recorder.claim("input", inputs, x)
            body = apply(genes, x)
            if len(body.shape) - 1 not in self.end_ranks:
                raise GenomeError(f"the last gene must give one vector per sample, got {tuple(body.shape)}", "genes")
            features = self.head_inputs(body, encoded_x)
            outputs = self.head(features, preprocessing or {})
            recorder.claim("head", features, outputs)
        unique_names(inputs, outputs)
        model = keras.Model(inputs, outputs)
        # Past Keras' tracking, and not a dict: it would save these layers a second time.
        object.__setattr__(model, "gene_layers", MappingProxyType(recorder.layers))
        return model

    # -- training settings -------------------------------------------------------------
    def _settings(self, genome: Genome) -> Any:
        if genome.training is None:
            raise GenomeError("the genome has no training settings", "training")
        return genome.training

    def loss(self, genome: Genome, preprocessing: Mapping[str, np.ndarray] | None = None) -> Any:
        """The loss of the target, with label smoothing; regression in units of the training targets' deviation."""
        smoothing = self._settings(genome).values.get("label_smoothing", 0.0)
        return self.target.loss(smoothing, self.needs_soft_targets(genome), preprocessing)

    def optimizer(self, genome: Genome) -> Any:
        """A fresh Keras optimizer, from the training settings."""
        return self._settings(genome).optimizer_object()

    def batch_size(self, genome: Genome) -> int:
        """Samples per step, from the training settings."""
        return int(self._settings(genome).batch_size)

    def learning_rates(
        self, genome: Genome, first_epoch: int, last_epoch: int, final: bool, steps_per_epoch: int
    ) -> np.ndarray:
        """Learning rate of every step, from the training settings: float32."""
        rates = self._settings(genome).learning_rates(first_epoch, last_epoch, final, steps_per_epoch)
        return cast(np.ndarray, rates)

    def needs_soft_targets(self, genome: Genome) -> bool:
        """Whether the training settings smooth labels or mix samples of several classes."""
        values = self._settings(genome).canonical()[0].values
        return self.target.has_soft_form and bool(values.get("label_smoothing") or values.get("mixup"))
