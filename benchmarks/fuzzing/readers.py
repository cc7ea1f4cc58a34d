"""What is fed: every reader with good input to begin from, and the errors that it may raise.

A reader is called in a process of its own that may die. Files are made in a folder of its own.
"""

from __future__ import annotations

from functools import cache

from benchmarks.fuzzing.directory_readers import directory_readers
from benchmarks.fuzzing.genome_readers import genome_readers
from benchmarks.fuzzing.model_readers import model_readers
from benchmarks.fuzzing.reader import Reader
from benchmarks.fuzzing.storage_readers import storage_readers
from benchmarks.fuzzing.table_readers import table_readers


@cache
def readers() -> dict[str, Reader]:
    """Every reader by name."""
    made = [*genome_readers(), *storage_readers(), *table_readers(), *model_readers(), *directory_readers()]
    return {reader.name: reader for reader in made}
