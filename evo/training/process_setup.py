"""The process that trains: which backend, how many threads."""

from __future__ import annotations


def prepare_process(threads: int) -> str:
    """Import Keras and fix the number of threads; once per process, before anything is computed.

    Results depend on the number of threads in their last bits.

    Args:
        threads: threads within one operation.

    Returns:
        Name of the Keras backend: ``tensorflow``, ``jax`` or ``torch``.
    """
    import keras

    name = str(keras.backend.backend())
    if name == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            # The user's own program computed before: its choice stands.
            pass
    elif name == "torch":
        import torch

        torch.set_num_threads(threads)
    return name
