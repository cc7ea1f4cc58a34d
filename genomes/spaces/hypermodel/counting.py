"""What a Keras model costs: parameters and FLOPs of any model, read off its layers without computing anything.

FLOPs follow the conventions of genes (:mod:`genomes.genes.tally`): as TensorFlow's profiler counts matrix products,
convolutions, biases and pooling, one per element for what is elementwise, two for normalization, at inference. A layer
that is not known counts two per weight of its kernels and position of its output. Of a functional or sequential model
its graph tells the shapes; a subclassed model, and a layer made of layers, is called on symbolic inputs while its
layers are watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from genomes.costs import UNKNOWN_LENGTH, Cost, Shape, elements, positions
from genomes.replacement import replaced

#: Layers that compute nothing at inference, or only look up and rearrange; by the names of their classes.
_FREE = {
    "InputLayer",
    "Reshape",
    "Flatten",
    "Permute",
    "RepeatVector",
    "Masking",
    "Identity",
    "Concatenate",
    "Embedding",
    "TextVectorization",
    "StringLookup",
    "IntegerLookup",
    "Hashing",
    "CategoryEncoding",
    "Discretization",
}
_FREE_BEGINNINGS = ("Cropping", "ZeroPadding", "UpSampling", "Random", "Center", "AutoContrast", "Aug", "RandAugment")
#: Beginnings of the names of layers that do nothing at inference.
_DROPPING = ("Dropout", "SpatialDropout", "Gaussian", "AlphaDropout", "ActivityRegularization")

Counter = Callable[[Any, Sequence[Shape], Shape], int]


def cost_of(model: Any, inputs: Any = None) -> Cost:
    """Parameters and FLOPs of one forward pass of one sample.

    Args:
        model: a built model; its weights need no values.
        inputs: symbolic inputs in the structure that it takes; None if the model tells them. Without any, and where a
            layer cannot be called on symbols, FLOPs are 0.
    """
    parameters = sum(math.prod(weight.shape) for weight in model.weights)
    try:
        graph = _graph(model)
        flops = _flops_of_graph(graph) if graph is not None else 0 if inputs is None else _watched(model, inputs)
    except Exception:  # a layer of the user's own may raise anything where it is called on symbols
        flops = 0
    return Cost(int(parameters), int(flops))


def _graph(model: Any) -> Any:
    """The functional model behind a model, or None."""
    import keras

    if isinstance(model, keras.Sequential):
        model = getattr(model, "_functional", None)
    if getattr(model, "_nodes_by_depth", None) is None:
        return None
    # A subclass with a `call` of its own computes what that says, and not its graph.
    owner = next(kind for kind in type(model).__mro__ if "call" in vars(kind))
    return model if owner.__name__ == "Functional" else None


def _flops_of_graph(graph: Any) -> int:
    total = 0
    for level in graph._nodes_by_depth.values():
        for node in level:
            if node.input_tensors:
                given = [_shape(tensor) for tensor in node.input_tensors]
                total += _flops(node.operation, given, _shape(node.output_tensors[0]))
    return total


def _shape(tensor: Any) -> Shape:
    return tuple(None if length is None else int(length) for length in tensor.shape[1:])


def _flops(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    """FLOPs of one call of a layer, or of an operation that is no layer.

    Args:
        layer: what is called.
        given: shapes of its inputs without the rows.
        made: shape of its first output.
    """
    count = _counter(layer)
    if count is not None:
        return count(layer, given, made)
    if _has_layers(layer):
        graph = _graph(layer)
        return _watched(layer, _symbolic(given)) if graph is None else _flops_of_graph(graph)
    return _by_kernels(layer, given, made)


def _has_layers(layer: Any) -> bool:
    flatten = getattr(layer, "_flatten_layers", None)
    return flatten is not None and len(list(flatten())) > 1


def _by_kernels(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    kernels = [weight.shape for weight in getattr(layer, "weights", ()) if len(weight.shape) > 1]
    return sum(2 * math.prod(shape) for shape in kernels) * positions(made) if kernels else elements(made)


def _symbolic(shapes: Sequence[Shape]) -> Any:
    """Inputs of one row: with whole shapes a backend traces once."""
    import keras

    known = [tuple(UNKNOWN_LENGTH if length is None else length for length in shape) for shape in shapes]
    tensors = [keras.KerasTensor((1, *shape)) for shape in known]
    return tensors[0] if len(tensors) == 1 else tensors


def _watched(called: Any, inputs: Any) -> int:
    """FLOPs of what the layers within a layer or model do when it is called."""
    import keras

    total, inside = 0, 0
    original = keras.Layer.__call__

    def watching(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal total, inside
        counts = layer is not called and not inside and (_counter(layer) is not None or not _has_layers(layer))
        inside += counts
        try:
            made = original(layer, *args, **kwargs)
        finally:
            inside -= counts
        if counts:
            given = [_shape(t) for t in keras.tree.flatten((args, kwargs)) if getattr(t, "shape", None) is not None]
            first = next((t for t in keras.tree.flatten(made) if getattr(t, "shape", None) is not None), None)
            if given and first is not None:
                total += _flops(layer, given, _shape(first))
        return made

    single = keras.tree.map_structure(
        lambda t: keras.KerasTensor(
            (1, *(UNKNOWN_LENGTH if length is None else length for length in t.shape[1:])), t.dtype
        ),
        inputs,
    )
    with replaced(keras.Layer, {"__call__": watching}):
        called(single)
    return total


# -- layer by layer --------------------------------------------------------------------------
def _counter(layer: Any) -> Counter | None:
    """What counts a layer; None for one that is not known."""
    for kind in type(layer).__mro__:
        name = kind.__name__
        if not kind.__module__.startswith("keras."):
            continue
        if name in _COUNTERS:
            return _COUNTERS[name]
        if name in _FREE or name.startswith((*_FREE_BEGINNINGS, *_DROPPING)):
            return _nothing
    return None


def _nothing(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return 0


def _biased(layer: Any) -> int:
    return 1 if getattr(layer, "use_bias", False) or getattr(layer, "bias", None) is not None else 0


def _activated(layer: Any, made: Shape) -> int:
    import keras

    activation = getattr(layer, "activation", None)
    return 0 if activation in (None, keras.activations.linear) else elements(made)


def _channels_last(layer: Any, shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if getattr(layer, "data_format", None) == "channels_first" and shape else shape


def _dense(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return (2 * (given[0][-1] or UNKNOWN_LENGTH) + _biased(layer)) * elements(made) + _activated(layer, made)


def _einsum_dense(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    summed, result = layer.equation.replace(" ", "").split("->")
    second = summed.split(",")[1]
    sizes = dict(zip(second, layer.kernel.shape, strict=True))
    contracted = math.prod(size for letter, size in sizes.items() if letter not in result)
    return (2 * contracted + _biased(layer)) * elements(made) + _activated(layer, made)


def _convolution(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    area = math.prod(layer.kernel.shape[:-1])
    return (2 * area + _biased(layer)) * elements(made) + _activated(layer, made)


def _depthwise(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    area = math.prod(layer.kernel.shape[:-2])
    return (2 * area + _biased(layer)) * elements(made) + _activated(layer, made)


def _separable(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    places = positions(_channels_last(layer, made))
    depthwise, pointwise = (math.prod(kernel.shape) for kernel in (layer.depthwise_kernel, layer.pointwise_kernel))
    return 2 * (depthwise + pointwise) * places + _biased(layer) * elements(made) + _activated(layer, made)


def _transposed(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    products = 2 * math.prod(layer.kernel.shape) * positions(_channels_last(layer, given[0]))
    return products + _biased(layer) * elements(made) + _activated(layer, made)


def _pool(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return math.prod(layer.pool_size) * elements(made)


def _global_pool(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return elements(given[0])


def _normalization(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return 2 * elements(made)


def _elementwise(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return elements(made)


def _merged(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return (len(given) - 1) * elements(made)


def _recurrent(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    kind = next(kind.__name__ for kind in type(layer).__mro__ if kind.__name__ in _GATES)
    gates, biases = _GATES[kind]
    if kind == "GRU" and not layer.reset_after:
        biases = 1
    steps, channels = given[0][0] or UNKNOWN_LENGTH, given[0][-1] or UNKNOWN_LENGTH
    kernels = (channels + layer.units) * layer.units
    return steps * gates * (2 * kernels + (biases * layer.units if layer.use_bias else 0))


#: Gates of a recurrent layer, and biases per gate.
_GATES = {"LSTM": (4, 1), "GRU": (3, 2), "SimpleRNN": (1, 1)}


def _both_ways(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return sum(_flops(one, given[:1], made) for one in (layer.forward_layer, layer.backward_layer))


def _step_by_step(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    return (given[0][0] or UNKNOWN_LENGTH) * _flops(layer.layer, [given[0][1:]], made[1:])


def _attention(layer: Any, given: Sequence[Shape], made: Shape) -> int:
    """Projections of queries, keys and values, products of queries with keys, of these with values, and the output."""
    query, value = given[0], given[min(1, len(given) - 1)]
    key = given[2] if len(given) > 2 and len(given[2]) == len(value) else value
    heads = layer.num_heads
    keys, values = heads * layer.key_dim, heads * (layer.value_dim or layer.key_dim)
    rows, columns = positions(query), positions(value)
    bias = _biased(layer)
    projected = rows * keys * (2 * (query[-1] or 0) + bias) + columns * keys * (2 * (key[-1] or 0) + bias)
    projected += columns * values * (2 * (value[-1] or 0) + bias)
    return projected + 2 * rows * columns * (keys + values) + elements(made) * (2 * values + bias)


_COUNTERS: dict[str, Counter] = {
    "Dense": _dense,
    "EinsumDense": _einsum_dense,
    "BaseDepthwiseConv": _depthwise,
    "BaseSeparableConv": _separable,
    "BaseConvTranspose": _transposed,
    "BaseConv": _convolution,
    "BasePooling": _pool,
    "BaseGlobalPooling": _global_pool,
    "BatchNormalization": _normalization,
    "LayerNormalization": _normalization,
    "GroupNormalization": _normalization,
    "RMSNormalization": _normalization,
    "UnitNormalization": _normalization,
    "Normalization": _normalization,
    "Rescaling": _elementwise,
    "Activation": _elementwise,
    "Merge": _merged,
    "Concatenate": _nothing,
    "Dot": _elementwise,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "Bidirectional": _both_ways,
    "TimeDistributed": _step_by_step,
    "MultiHeadAttention": _attention,
}
