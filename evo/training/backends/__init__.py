"""What runs an epoch: whole epochs compiled with TensorFlow or JAX, or Keras' own ``fit``."""
