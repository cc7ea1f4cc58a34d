"""What TensorFlow's profiler counts in a model; used by several tests."""

from __future__ import annotations

from collections import Counter
from typing import Any

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
