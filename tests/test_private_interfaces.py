"""What is used of other packages though it is private: all of it is known, and noticed when it moves.

The page docs/private-interfaces.md says what each one is for.
"""

from __future__ import annotations

import ast
import importlib
import multiprocessing
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "private-interfaces.md"
PACKAGES = ("evo", "genomes")


# -- what there is --------------------------------------------------------------------------
@pytest.fixture(scope="module")
def model() -> Any:
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dropout(0.5)(inputs)))
    optimizer = keras.optimizers.AdamW(1e-3)
    model.compile(optimizer, loss="mse", loss_weights=[1.0], metrics=["mae"], weighted_metrics=["mse"])
    model.fit(np.ones((2, 3)), np.ones(2), verbose=0)
    return model


def trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = np.arange(60.0).reshape(-1, 1)
    return HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(rows % 4, rows[:, 0] > 30)


def scorer() -> Any:
    from sklearn.metrics import make_scorer, mean_squared_error

    return make_scorer(mean_squared_error, greater_is_better=False)


def tuner() -> Any:
    return pytest.importorskip("keras_tuner")


def tuner_utils() -> Any:
    return importlib.import_module("keras_tuner.src.engine.tuner_utils")


def normalization() -> Any:
    layer = keras.layers.BatchNormalization()
    layer.build((None, 3))
    return layer


def scaled() -> Any:
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())


def context() -> Any:
    found = importlib.import_module("tensorflow.python.eager.context").context()
    found._set_global_seed(0)  # makes what is made once it is needed
    return found


def module(name: str) -> Callable[[Any], Any]:
    return lambda model: importlib.import_module(name)


def attribute(name: str, of: Callable[[Any], Any] = lambda model: model) -> Callable[[Any], Any]:
    return lambda model: getattr(of(model), name)


#: What is used, and how it is found. Those after the empty line are asked for by ``getattr``: they may be missing.
USED: dict[str, Callable[[Any], Any]] = {
    "_aggregate_additional_loss": attribute("_aggregate_additional_loss"),
    "_baseline_prediction": attribute("_baseline_prediction", lambda model: trees()),
    "_call_has_training_arg": attribute("_call_has_training_arg", lambda model: model.layers[1]),
    "_compile_loss": attribute("_compile_loss"),
    "_compile_metrics": attribute("_compile_metrics"),
    "_compute_loss": attribute("_compute_loss"),
    "_flatten_layers": attribute("_flatten_layers"),
    "_get_noise_shape": attribute("_get_noise_shape", lambda model: keras.layers.SpatialDropout1D(0.5)),
    "_inbound_nodes": attribute("_inbound_nodes", lambda model: model.layers[1]),
    "_inputs_struct": attribute("_inputs_struct"),
    "_keras_history": attribute("_keras_history", lambda model: model.outputs[0]),
    "_kwargs": attribute("_kwargs", lambda model: scorer()),
    "_learning_rate": attribute("_learning_rate", lambda model: model.optimizer),
    "_maybe_symbolic_build": attribute("_maybe_symbolic_build"),
    "_reduction_axes": attribute("_reduction_axes", lambda model: normalization()),
    "_losses_override": attribute("_losses_override"),
    "_loss": attribute("_loss", lambda model: trees()),
    "_predictors": attribute("_predictors", lambda model: trees()),
    "_score_func": attribute("_score_func", lambda model: scorer()),
    "_sign": attribute("_sign", lambda model: scorer()),
    "_symbolic_build": attribute("_symbolic_build"),
    "_use_weight_decay": attribute("_use_weight_decay", lambda model: model.optimizer),
    "_user_loss": attribute("_user_loss", lambda model: model._compile_loss),
    "_user_loss_weights": attribute("_user_loss_weights", lambda model: model._compile_loss),
    "_user_metrics": attribute("_user_metrics", lambda model: model._compile_metrics),
    "_user_weighted_metrics": attribute("_user_weighted_metrics", lambda model: model._compile_metrics),
    "_configure_tensorboard_dir": attribute("_configure_tensorboard_dir", lambda model: tuner().Tuner),
    "_deepcopy_callbacks": attribute("_deepcopy_callbacks", lambda model: tuner().Tuner),
    "_save_model": attribute("_save_model", lambda model: tuner() and tuner_utils().SaveBestEpoch),
    "_get_build_config_fname": attribute("_get_build_config_fname", lambda model: tuner().Tuner),
    "_get_checkpoint_fname": attribute("_get_checkpoint_fname", lambda model: tuner().Tuner),
    "_get_oracle_fname": attribute("_get_oracle_fname", lambda model: tuner().Oracle),
    "_get_trial_dir": attribute("_get_trial_dir", lambda model: tuner().Oracle),
    "_get_tuner_fname": attribute("_get_tuner_fname", lambda model: tuner().engine.base_tuner.BaseTuner),
    "_is_worker": attribute("_is_worker", lambda model: tuner().engine.base_tuner.BaseTuner),
    "_project_dir": attribute("_project_dir", lambda model: tuner().Oracle),
    "_record_values": attribute("_record_values", lambda model: tuner().Oracle),
    "_popen": lambda model: hasattr(multiprocessing.Process(), "_popen") or None,
    "_check_sample_weight": attribute("_check_sample_weight", module("sklearn.utils.validation")),
    "keras.src.backend.common": module("keras.src.backend.common.global_state"),
    "keras.src.losses": module("keras.src.losses.loss"),
    "keras_tuner.src.engine": lambda model: tuner() and tuner_utils(),
    "keras_tuner.src": lambda model: tuner() and importlib.import_module("keras_tuner.src.utils"),
    #
    "_common_apply": attribute("_common_apply", lambda model: scaled()),
    "_distribute_strategy": lambda model: hasattr(model, "_distribute_strategy") or None,
    "_moments": attribute("_moments", lambda model: normalization()),
    "_initialize_with_initializer": attribute("_initialize_with_initializer", lambda model: keras.Variable),
    "_functional": attribute("_functional", lambda model: _sequential()),
    "_nodes_by_depth": attribute("_nodes_by_depth"),
    "_registry": attribute("_registry", lambda model: module("tensorflow.python.framework.ops")(0).gradient_registry),
    "_rng": attribute("_rng", lambda model: context()),
    "_seed": attribute("_seed", lambda model: context()),
}


def _sequential() -> Any:
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


@pytest.mark.parametrize("name", USED)
def test_it_is_there(name: str, model: Any) -> None:
    assert USED[name](model) is not None or name in ("_seed", "_rng")


def test_the_page_tells_of_each() -> None:
    told = re.findall(r"^\| `([^`]+)`", PAGE.read_text(), re.MULTILINE)
    assert sorted(told) == sorted(USED)


# -- what is used ---------------------------------------------------------------------------
def sources() -> Iterator[ast.Module]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Store):
            yield node.attr if isinstance(node, ast.Attribute) else node.id


def used(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(PACKAGES):
            if "src" in node.module.split("."):
                yield node.module
            yield from (alias.name for alias in node.names if re.match(r"_[a-z]", alias.name))


def test_nothing_else_is_used() -> None:
    """A private name that evo defines itself may stand for somebody else's: not all are found, but new ones mostly."""
    trees = list(sources())
    own = {name for tree in trees for name in defined(tree)}
    found = {name for tree in trees for name in used(tree) if name not in own}
    # Documented, in spite of its name.
    assert found - {"_exit"} <= set(USED)
    # Those that evo sets itself count as its own above.
    assert set(USED) - found <= {
        *("_losses_override", "_sign"),
        *(
            "_common_apply",
            "_distribute_strategy",
            "_moments",
            "_functional",
            "_initialize_with_initializer",
            "_nodes_by_depth",
            "_registry",
            "_rng",
            "_seed",
        ),
    } | {name for name in USED if name in own}
