"""Training settings as genes: optimizer, learning rate and its schedule, batch size, regularisation, augmentation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from genomes.domains import Boolean, Choice, Domain, Float, Int, Value
from genomes.gene import Gene

#: Good learning rates of plain SGD are about this many times larger than those of Adam and its variants.
SGD_FACTOR = 10.0

#: Standard deviation of the logarithm of sampled learning rates: two thirds lie within a factor of 2.2.
_LEARNING_RATE_SPREAD = 0.8

#: Epochs after which the rate of ``inverse-square-root`` has fallen to 0.71 of its peak.
_INVERSE_SQUARE_ROOT_EPOCHS = 10.0


class Training(Gene):
    """How a genome is trained.

    Fields:
        optimizer: ``adam``, ``adamw``, ``nadam``, ``rmsprop``, ``lion`` or ``sgd``.
        learning_rate: the peak rate.
        momentum: of ``sgd``; without effect elsewhere.
        nesterov: Nesterov's momentum, of ``sgd``.
        schedule: rate before the decay: ``constant``, or ``inverse-square-root`` of the epochs.
        warmup: epochs over which the rate rises linearly from 0.
        decay: form of the fall to 0 in a final training: ``linear``, ``cosine`` or
            ``square-root`` (1 - sqrt, best of those that Haegele et al. 2024, arXiv 2405.18392, compare).
        batch_size: samples per step.
        weight_decay: decoupled decay per step, relative to the learning rate (Loshchilov & Hutter
            2019, arXiv 1711.05101), of every optimizer; biases and normalization are spared.
        gradient_clip: largest norm of the whole gradient; 0 for none.
        label_smoothing: share of the target that is spread over all classes; without effect in regression.
    """

    optimizer = Choice(["adam", "adamw", "nadam", "rmsprop", "lion", "sgd"], default="adam")
    learning_rate = Float(1e-7, 10.0, log=True, default=1e-3)
    momentum = Float(0.0, 0.999, default=0.9)
    nesterov = Boolean(default=False)
    schedule = Choice(["constant", "inverse-square-root"], default="constant")
    warmup = Float(0.0, 1000.0, default=0.0)
    decay = Choice(["linear", "cosine", "square-root"], default="linear")
    batch_size = Int(1, 1_000_000, default=32)
    weight_decay = Float(0.0, 1.0, default=0.0)
    gradient_clip = Float(0.0, 1e6, default=0.0)
    label_smoothing = Float(0.0, 0.9, default=0.0)

    #: Fields that pass from a parent together in crossover.
    crossed_together: ClassVar[Mapping[str, str]] = {
        "optimizer": "optimizer",
        "learning_rate": "optimizer",
        "momentum": "optimizer",
        "nesterov": "optimizer",
        "batch_size": "optimizer",
        "warmup": "optimizer",
        "schedule": "optimizer",
    }

    # -- as a gene -------------------------------------------------------------------
    def canonical(self) -> tuple[Gene, ...]:
        """Settings without effect at their defaults: momentum without SGD; ``adamw`` is ``adam`` with decay."""
        changes: dict[str, Value] = {}
        if self.optimizer == "adamw":
            changes["optimizer"] = "adam"  # the same thing in Keras: weight_decay is decoupled everywhere
        if self.optimizer != "sgd":
            changes["momentum"] = self.fields["momentum"].default
            changes["nesterov"] = False
        elif self.momentum == 0:
            changes["nesterov"] = False
        return (self.replace(**changes),)

    @classmethod
    def sample_values(cls, domains: Mapping[str, Domain], rng: np.random.Generator) -> dict[str, Value]:
        """A value for every field; learning rates scatter about the default, for SGD :data:`SGD_FACTOR` above it."""
        values = {name: domain.sample(rng) for name, domain in domains.items()}
        rate = domains["learning_rate"]
        if isinstance(rate, Float) and rate.log and rate.size != 1:
            centre = float(rate.default) * (SGD_FACTOR if values["optimizer"] == "sgd" else 1.0)  # type: ignore[arg-type]
            factor = math.exp(float(rng.normal(0.0, _LEARNING_RATE_SPREAD)))
            values["learning_rate"] = rate.from_unit(rate.to_unit(min(max(centre * factor, rate.low), rate.high)))
        return values

    def adjusted(self, before: Gene, domains: Mapping[str, Domain]) -> Self:
        """After a mutation from ``before``: the learning rate follows a change to SGD or away from it."""
        factor = {(False, True): SGD_FACTOR, (True, False): 1 / SGD_FACTOR}.get(
            (before.values["optimizer"] == "sgd", self.optimizer == "sgd")
        )
        if factor is None:
            return self
        rate = domains["learning_rate"]
        return self.replace(learning_rate=rate.from_unit(rate.to_unit(self.learning_rate * factor)))

    # -- what it says --------------------------------------------------------------------
    def optimizer_object(self) -> Any:
        """A fresh Keras optimizer with these settings, at the peak learning rate."""
        import keras

        common: dict[str, Any] = {"learning_rate": self.learning_rate}
        if self.weight_decay:
            common["weight_decay"] = self.weight_decay
        if self.gradient_clip:
            common["global_clipnorm"] = self.gradient_clip
        averaging = self.values.get("averaging")
        if averaging:
            common |= {"use_ema": True, "ema_momentum": averaging}
        if self.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(momentum=self.momentum, nesterov=self.nesterov, **common)
        else:
            kinds = {
                "adam": keras.optimizers.Adam,
                "adamw": keras.optimizers.Adam,
                "nadam": keras.optimizers.Nadam,
                "rmsprop": keras.optimizers.RMSprop,
                "lion": keras.optimizers.Lion,
            }
            optimizer = kinds[self.optimizer](**common)
        if self.weight_decay:
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer

    def learning_rates(self, first_epoch: int, last_epoch: int, final: bool, steps_per_epoch: int) -> np.ndarray:
        """Learning rate of every step: float32, shape ((last_epoch - first_epoch) * steps_per_epoch,)."""
        step = np.arange(first_epoch * steps_per_epoch, last_epoch * steps_per_epoch, dtype=np.float64)
        rates = np.full(len(step), float(self.learning_rate))
        if self.schedule == "inverse-square-root":
            rates /= np.sqrt(1.0 + step / (steps_per_epoch * _INVERSE_SQUARE_ROOT_EPOCHS))
        if self.warmup:
            rates *= np.minimum(1.0, (step + 1.0) / (self.warmup * steps_per_epoch))
        if final and len(step):
            # Half a step in, so that neither the first rate is untouched nor the last one 0.
            done = (np.arange(len(step)) + 0.5) / len(step)
            if self.decay == "cosine":
                rates *= 0.5 * (1.0 + np.cos(np.pi * done))
            else:
                rates *= 1.0 - (np.sqrt(done) if self.decay == "square-root" else done)
        return rates.astype(np.float32)


class ImageTraining(Training):
    """Training settings for images: augmentation as well.

    Further fields:
        flip: ``none``, ``horizontal`` or ``both`` (also upside down), each half of the time.
        shift: furthest shift, as a share of height and width.
        rotation: largest angle in degrees, either way.
        zoom: largest change of scale, up or down; 0.2 for factors from 0.8 to 1.2.
        mixup: parameter alpha of the Beta distribution (Zhang et al. 2018, arXiv 1710.09412); 0 for none.
        cutout: side of the erased square as a share of the image's (DeVries & Taylor 2017, arXiv 1708.04552).
    """

    flip = Choice(["none", "horizontal", "both"], default="none", ordered=True)
    shift = Float(0.0, 0.5, default=0.0)
    rotation = Float(0.0, 180.0, default=0.0)
    zoom = Float(0.0, 0.9, default=0.0)
    mixup = Float(0.0, 4.0, default=0.0)
    cutout = Float(0.0, 0.9, default=0.0)

    #: The fields above.
    augmentation: ClassVar[tuple[str, ...]] = ("flip", "shift", "rotation", "zoom", "mixup", "cutout")
    #: How often a sampled genome uses each of them.
    augmentation_share: ClassVar[float] = 0.25

    @classmethod
    def sample_values(cls, domains: Mapping[str, Domain], rng: np.random.Generator) -> dict[str, Value]:
        """A value for every field; every augmentation is off three times of four."""
        values = super().sample_values(domains, rng)
        for name in cls.augmentation:
            off = cls.fields[name].default
            if rng.random() >= cls.augmentation_share and domains[name].contains(off):
                values[name] = off
        return values

    @property
    def augments(self) -> bool:
        """Whether any augmentation is on."""
        return any(getattr(self, name) != self.fields[name].default for name in self.augmentation)


class AveragedTraining(Training):
    """Training settings with an average of the weights over the steps, which predicts (Polyak & Juditsky 1992).

    A space has them in place of :class:`Training` where it is given a domain for the further field:
    ``domains={"Training": {"averaging": Choice([0.0, 0.9, 0.99])}}``.

    Further field:
        averaging: share of the average that stays at each step, Keras' ``ema_momentum``; 0 for no average.
    """

    averaging = Float(0.0, 0.99999, default=0.0)


class AveragedImageTraining(ImageTraining):
    """:class:`ImageTraining` with the field of :class:`AveragedTraining`."""

    averaging = Float(0.0, 0.99999, default=0.0)


#: Class of training settings to the one that averages too.
AVERAGED: Mapping[type[Training], type[Training]] = {
    Training: AveragedTraining,
    ImageTraining: AveragedImageTraining,
}


def averaged_name(name: str, fields: Mapping[str, Domain]) -> str:
    """Name of the class that has these fields: the averaging one where ``averaging`` is among them."""
    names = {kind.__name__: averaged.__name__ for kind, averaged in AVERAGED.items()}
    return names.get(name, name) if "averaging" in fields else name
