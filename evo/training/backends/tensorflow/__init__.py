"""TensorFlow: the engine, and what makes its compiled functions short and quick."""
