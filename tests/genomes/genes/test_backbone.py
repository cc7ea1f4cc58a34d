"""Published networks as genes, against Keras' own applications."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomes import Choice, Gene, Genome, GenomeError, genes, spaces
from genomes.genes import Backbone, HubBackbone
from genomes.genes.backbone import IMAGENET_DEVIATION, IMAGENET_MEAN, _thaw
from genomes.inheritance import inherit, weights_by_mark

SMALL = Backbone(architecture="MobileNet", side=32)


def built(gene: Gene, shape: tuple[int, ...]) -> Any:
    import keras

    keras.utils.set_random_seed(5)
    x = keras.Input(shape)
    return keras.Model(x, gene.build(x))


def test_it_is_keras_application_on_pictures_with_imagenets_mean_and_deviation() -> None:
    """The picture as the application's own ``preprocess_input`` wants it: MobileNet takes numbers from -1 to 1."""
    import keras

    model = built(SMALL, (32, 32, 3))
    network = model.layers[-1]
    raw = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    standardized = (raw - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_DEVIATION)
    expected = network(keras.applications.mobilenet.preprocess_input(raw.copy()), training=False)
    np.testing.assert_allclose(model(standardized.astype(np.float32)), expected, rtol=1e-3, atol=1e-4)
    assert SMALL.output_shape((32, 32, 3)) == model.output_shape[1:]
    assert SMALL.cost((32, 32, 3)).parameters == model.count_params() == network.count_params()


def test_grey_pictures_of_another_size_are_taken_and_nothing_else_in_the_model_depends_on_what_was_built_before() -> (
    None
):
    import keras

    def head() -> np.ndarray:
        keras.utils.set_random_seed(1)
        SMALL.output_shape((28, 28, 1))
        dense = keras.layers.Dense(3)
        dense.build((None, 4))
        return np.asarray(dense.kernel)

    genes.backbone._measured.cache_clear()
    np.testing.assert_array_equal(head(), head())
    assert built(SMALL, (28, 28, 1)).output_shape == (None, 1, 1, 1024)
    with pytest.raises(GenomeError, match="1 or 3 channels, got 4"):
        built(SMALL, (32, 32, 4))


def test_what_learns() -> None:
    network = SMALL.network()
    for tuning, least, most in (("top", 1 / 3, 2 / 3), ("frozen", 0, 0), ("all", 0.95, 1)):
        _thaw(network, tuning)
        learning = sum(math.prod(weight.shape) for weight in network.trainable_weights)
        assert least <= learning / network.count_params() <= most


def test_a_space_begins_with_the_network_and_varies_it() -> None:
    names = ["MobileNet", "MobileNetV3Small"]
    space = spaces.image((28, 28, 1), 10, backbones=names, backbone_weights=None)
    first, default = space.default().genes[0], space.default()
    assert isinstance(first, Backbone) and (first.architecture, first.weights, first.side) == (names[0], "none", 32)
    assert space.cost(default).parameters == space.build(default).count_params()
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(20)]
    drawn += [space.mutate(genome, rng) for genome in drawn] + [space.mutate(default, rng) for _ in range(20)]
    standing = [gene for genome in drawn for gene in genome.genes if isinstance(gene, Backbone)]
    assert {gene.architecture for gene in standing} == set(names) and {gene.weights for gene in standing} == {"none"}
    assert {gene.tuning for gene in standing} == {"all"}  # there is nothing to keep in random weights
    assert any(not isinstance(genome.genes[0], Backbone) for genome in drawn)
    for genome in drawn:
        space.validate(genome)
    child = default.replace(genes=[first.replace(tuning="all"), *default.genes[1:]])
    other = default.replace(genes=[first.replace(architecture=names[1]), *default.genes[1:]])
    given = weights_by_mark(space.build(default, seed=1))
    own = {name for name in given if name.startswith(f"{first.innovation}.")}
    assert own and own <= set(inherit(default, given, child, space.build(child, seed=2)))
    # Weights of one network mean nothing in another.
    assert not own & set(inherit(default, given, other, space.build(other, seed=2)))
    again = type(space).from_json(space.to_json())
    assert again.default() == default and Genome.from_json(default.to_json()) == default


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbones": ["ResNet18"]}, "backbones: keras.applications has no 'ResNet18'"),
        ({"backbones": [3]}, "backbones: expected names and subclasses of Gene, got 3"),
        (
            {"backbones": ["VGG16"], "backbone_weights": "jft"},
            "backbone_weights: expected 'imagenet' or None, got 'jft'",
        ),
    ],
)
def test_what_is_no_backbone_is_told(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GenomeError, match=message):
        spaces.image((32, 32, 3), 2, **arguments)
    with pytest.raises(GenomeError, match="backbones: they take pictures of 1 or 3 channels, got 2"):
        spaces.image((32, 32, 2), 2, backbones=["VGG16"], backbone_weights=None)


def test_weights_that_cannot_be_had_are_told_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def none(**options: Any) -> None:
        raise OSError(f"no network, and {options['weights']} is not on the disk")

    monkeypatch.setattr(keras.applications, "VGG16", none)
    with pytest.raises(GenomeError, match="VGG16 with the weights 'imagenet' cannot be had: OSError: no network"):
        spaces.image((32, 32, 3), 2, backbones=["VGG16"])


def test_a_preset_of_keras_hub_is_loaded_with_its_weights(tmp_path: Path) -> None:
    hub = pytest.importorskip("keras_hub")
    plan = {"input_conv_filters": [64], "input_conv_kernel_sizes": [3], "stackwise_num_filters": [64, 64]}
    plan |= {"stackwise_num_blocks": [1, 1], "stackwise_num_strides": [1, 2], "block_type": "basic_block"}
    own = hub.models.ResNetBackbone(**plan, image_shape=(None, None, 3))
    own.save_to_preset(str(tmp_path / "tiny"))

    class Tiny(HubBackbone):
        preset = Choice([str(tmp_path / "tiny")], ordered=False)

    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(built(Tiny(side=32), (32, 32, 3))(x), own(x, training=False), rtol=1e-4, atol=1e-5)
    space = spaces.image((32, 32, 3), 2, backbones=[Tiny])
    assert isinstance(space.default().genes[0], Tiny)
    assert space.cost(space.default()).parameters == space.build(space.default()).count_params()


def test_without_keras_hub_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keras_hub", None)
    with pytest.raises(GenomeError, match="pip install keras-hub"):
        HubBackbone().network()
