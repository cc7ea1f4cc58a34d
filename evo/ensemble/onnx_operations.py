"""Operations of TensorFlow that its converter to ONNX does not know, and that models of evo consist of."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


@functools.cache
def add_missing_operations() -> None:
    """Teach ``tf2onnx`` the complementary error function, of which TensorFlow makes the exact ``gelu``.

    Without it the converter says so on its log and writes a file that no program reads.
    """
    from tf2onnx.handler import tf_op

    class Erfc:
        """1 - erf(x)."""

        @classmethod
        def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
            """From opset 9 on, which has ``Erf``."""
            shapes, dtypes = [ctx.get_shape(node.output[0])], [ctx.get_dtype(node.output[0])]
            inputs, outputs, name = list(node.input), list(node.output), node.name
            ctx.remove_node(name)
            one = ctx.make_const(f"{name}/one", np.asarray(1.0, np.float32)).output[0]
            error = ctx.make_node("Erf", inputs, op_name_scope=name).output[0]
            ctx.make_node("Sub", [one, error], name=name, outputs=outputs, shapes=shapes, dtypes=dtypes)

    tf_op("Erfc")(Erfc)
