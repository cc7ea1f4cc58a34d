"""Tables of measured trainings: searching them costs nothing and has a known best."""

from benchmarks.tables.lcbench import TUNING_INSTANCES, lcbench
from benchmarks.tables.nasbench import nasbench201, nasbench_macro
from benchmarks.tables.table import Table, TableError, data_directory

__all__ = [
    "TUNING_INSTANCES",
    "Table",
    "TableError",
    "data_directory",
    "lcbench",
    "nasbench201",
    "nasbench_macro",
]
