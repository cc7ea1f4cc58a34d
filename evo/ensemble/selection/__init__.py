"""Which models form an ensemble, and with which weights."""
