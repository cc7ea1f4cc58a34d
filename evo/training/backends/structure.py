"""The structure of what is trained: all that is fixed in a compiled function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evo.training.backends.cache import digest
from evo.training.backends.description import Unproven, contents, described, plain_attributes
from evo.training.backends.engine import Recipe, follows_rates
from genomes.genome import Genome
from genomes.spaces.base import Space

#: Fields of training genes that come in as numbers, step by step.
_NUMBERS = ("learning_rate", "schedule", "warmup", "decay", "weight_decay")
#: Layers whose rate comes in as a number (:mod:`evo.training.backends.tensorflow.traced_numbers`).
_DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
#: Parts of a config that are variables' values, or tell what was built rather than what is computed.
_VALUES = ("seed", "build_config", "compile_config")


def structure_key(recipe: Recipe, context: Any) -> str | None:
    """Key of all that is fixed in a compiled function; None where that cannot be proven.

    In the key: classes and configs of all layers, what adapted layers hold, loss, loss weights and
    metrics, the optimizer with its schedule, batch size, augmentation. Not in it, as they enter as
    arguments or variables: weights, random seeds, constant learning rates, weight decay, rates of
    Keras' four plain dropouts. With a layer, function or class of a user's anywhere in it nothing is
    proven: only the very same genome matches.

    Args:
        recipe: what is to be trained.
        context: data, policy, devices: anything that JSON can hold.
    """
    if recipe.unknown_layer is not None or recipe.optimizer.built:
        # An optimizer with a state, of a model that was trained before, is another one for every weight.
        return None
    try:
        return digest(
            [
                _model(recipe.model),
                _optimizer(recipe.optimizer),
                recipe.batch_size,
                _compiled(recipe.model) if recipe.space.compiles_models else _given_by_space(recipe),
                context,
            ]
        )
    except Unproven:
        return None


def _model(model: Any) -> Any:
    """A model's class, config and constants, without the rates of dropout and without seeds."""
    try:
        config = model.get_config()
    except Exception as error:
        raise Unproven(type(model).__qualname__) from error
    return [
        type(model).__qualname__,
        described(_without_numbers(config)),
        [[_attributes(layer), contents(layer)] for layer in model._flatten_layers()],
    ]


def _attributes(layer: Any) -> dict[str, Any]:
    """Numbers and words that a layer holds, without seeds and without a rate that comes in as a number."""
    kept = {key: value for key, value in plain_attributes(layer).items() if key not in _VALUES}
    if type(layer).__name__ in _DROPOUTS and type(layer).__module__.startswith("keras.") and 0 < layer.rate < 1:
        kept.pop("rate", None)
    return kept


def _without_numbers(config: Any) -> Any:
    if isinstance(config, Mapping):
        kept = {key: _without_numbers(value) for key, value in config.items() if key not in _VALUES}
        if config.get("class_name") in _DROPOUTS and config.get("module") == "keras.layers":
            rate = kept["config"].get("rate", 0)
            kept["config"]["rate"] = "a number" if 0 < rate < 1 else rate
        return kept
    if isinstance(config, (list, tuple)):
        return [_without_numbers(value) for value in config]
    return config


def _optimizer(optimizer: Any) -> Any:
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    kind, name, config, attributes = described(inner)
    config["weight_decay"] = attributes["weight_decay"] = bool(config.get("weight_decay"))
    if follows_rates(optimizer):
        config.pop("learning_rate", None)
    excluded = getattr(inner, "_exclude_from_weight_decay_pattern", None)
    outer = None if inner is optimizer else _without(described(optimizer), "inner_optimizer")
    return [kind, name, config, attributes, getattr(excluded, "pattern", None), outer]


def _without(description: list[Any], name: str) -> list[Any]:
    return [*description[:2], {key: value for key, value in description[2].items() if key != name}]


def _compiled(model: Any) -> Any:
    """What a model was compiled with."""
    loss, metrics = model._compile_loss, model._compile_metrics
    return described(
        [
            None if loss is None else [loss._user_loss, loss._user_loss_weights],
            None if metrics is None else [metrics._user_metrics, metrics._user_weighted_metrics],
        ]
    )


def _given_by_space(recipe: Recipe) -> Any:
    """Loss, metrics, targets and augmentation as the space gives them."""
    space, genome = recipe.space, recipe.genome
    loss = space.loss(genome, recipe.preprocessing) if recipe.preprocessing else space.loss(genome)
    return [
        # One space serves a campaign; what of it a genome's settings decide is looked at on its own.
        [type(space).__module__, type(space).__qualname__, id(type(space))],
        described(loss),
        described(space.metrics()),
        bool(space.needs_soft_targets(genome)),
        _augmentation(space, genome),
    ]


def _augmentation(space: Any, genome: Genome) -> Any:
    """What may be fixed in the graph by ``space.augment``."""
    if type(space).augment is Space.augment or genome.training is None:
        return None
    gene = genome.training.canonical()[0]
    return {name: value for name, value in gene.values.items() if name not in _NUMBERS}
