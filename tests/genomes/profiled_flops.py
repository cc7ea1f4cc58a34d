"""What TensorFlow's profiler counts in a model; used by several tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from genomes.genes.tally import Tally

#: Operations that both sides count alike.
COUNTED = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BiasAdd", "MaxPool", "AvgPool")


def profiled_flops(model: Any, shape: tuple[int, ...]) -> Counter[str]:
    """FLOPs of one forward pass of one sample, by type of operation."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow.python.profiler import model_analyzer, option_builder

    function = tf.function(lambda x: model(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    frozen = convert_variables_to_constants_v2(concrete)
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(frozen.graph.as_graph_def(), name="")
        options = (
            option_builder.ProfileOptionBuilder(option_builder.ProfileOptionBuilder.float_operation())
            .with_empty_output()
            .build()
        )
        result = model_analyzer.profile(graph, options=options)
        types = {operation.name: operation.type for operation in graph.get_operations()}
    found: Counter[str] = Counter()
    nodes = [result]
    while nodes:
        node = nodes.pop()
        found[types.get(node.name, "")] += node.float_ops
        nodes.extend(node.children)
    return found


@contextmanager
def only_profiled_layers() -> Iterator[None]:
    """Inside, costs are those of layers that the profiler counts: no elementwise work, of which it counts some and
    some not, no normalization, no global pooling."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tally, "elementwise", lambda self, times=1: None)
        patch.setattr(Tally, "normalization", lambda self, kind: None)
        patch.setattr(Tally, "global_pool", _free_global_pool)
        yield


def _free_global_pool(tally: Tally, keep: bool = False) -> None:
    tally.shape = (*(1 for _ in tally.shape[:-1]), tally.channels) if keep else (tally.channels,)
