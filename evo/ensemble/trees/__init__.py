"""Trees as members of an ensemble."""
