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

    #: Names of the weights that weight decay spares.
    undecayed: ClassVar[tuple[str, ...]] = ("bias", "gamma", "beta")

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
        common: dict[str, Any] = {"learning_rate": self.learning_rate}
        if self.weight_decay:
            common["weight_decay"] = self.weight_decay
        if self.gradient_clip:
            common["global_clipnorm"] = self.gradient_clip
        averaging = self.values.get("averaging")
        if averaging:
            common |= {"use_ema": True, "ema_momentum": averaging}
        optimizer = self._keras_optimizer(common)
        if self.weight_decay:
            optimizer.exclude_from_weight_decay(var_names=list(self.undecayed))
        return optimizer

    def _keras_optimizer(self, common: dict[str, Any]) -> Any:
        """The optimizer of that name.

        Args:
            common: arguments that every one of Keras' takes.
        """
        import keras

        if self.optimizer == "sgd":
            return keras.optimizers.SGD(momentum=self.momentum, nesterov=self.nesterov, **common)
        kinds = {
            "adam": keras.optimizers.Adam,
            "adamw": keras.optimizers.Adam,
            "nadam": keras.optimizers.Nadam,
            "rmsprop": keras.optimizers.RMSprop,
            "lion": keras.optimizers.Lion,
        }
        return kinds[self.optimizer](**common)

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


#: Cycles of ``log-cosine`` in a training that is done in one go, as RealMLP has them.
_CYCLES = 4
#: Where trials stop in between: an epoch of number 1, 3, 9, ... begins a cycle, as rungs of a ladder lie by default.
_CYCLE_GROWTH = 3.0


class TabularTraining(Training):
    """Training settings for tables: the cyclic schedule, and Adam's second momentum.

    Fields that differ:
        schedule: also ``log-cosine``: the rate rises from 0 and falls to 0 again in cycles that grow, RealMLP's
            "coslog4" (Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, section 3; cyclic rates: Smith 2017,
            arXiv 1506.01186; restarts in growing cycles: Loshchilov & Hutter 2017, arXiv 1608.03983). A final
            training from the start has four, the rate at the share ``t`` of its steps being
            ``0.5 (1 - cos(2 pi log2(1 + 15 t)))`` of the peak; one that continues a trial has one. Before that a
            cycle lasts from each power of 3 epochs to the next. ``decay`` is without effect then.
        optimizer: also ``muon`` (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon), Keras' own.

    Weight decay spares embeddings as well.

    Further field:
        second_momentum: share of the average of squared gradients that stays at each step (``beta_2``) of Adam,
            Nadam and Lion, ``rho`` of RMSprop; RealMLP has 0.95, Keras 0.999 (RMSprop 0.9, Lion 0.99).
            0 for Keras' own.
    """

    #: RealMLP's decay is relative to each weight's own rate, whose square is next to nothing in embeddings.
    undecayed = (*Training.undecayed, "embeddings")

    optimizer = Choice(["adam", "adamw", "nadam", "rmsprop", "lion", "sgd", "muon"], default="adam")
    schedule = Choice(["constant", "inverse-square-root", "log-cosine"], default="constant")
    second_momentum = Float(0.0, 0.9999, default=0.0)

    #: Fields that pass from a parent together in crossover.
    crossed_together: ClassVar[Mapping[str, str]] = {**Training.crossed_together, "second_momentum": "optimizer"}

    def canonical(self) -> tuple[Gene, ...]:
        """As for any training; nor ``decay`` in cycles, nor ``second_momentum`` where the optimizer has none."""
        (gene,) = super().canonical()
        changes: dict[str, Value] = {}
        if self.schedule == "log-cosine":
            changes["decay"] = self.fields["decay"].default
        if self.optimizer in ("sgd", "muon"):
            changes["second_momentum"] = 0.0
        return (gene.replace(**changes),)

    def _keras_optimizer(self, common: dict[str, Any]) -> Any:
        import keras

        if self.optimizer == "muon":
            # Its own defaults decay weights; the genome alone says whether anything does.
            decay = self.weight_decay or None
            return keras.optimizers.Muon(**{**common, "weight_decay": decay, "adam_weight_decay": decay})
        optimizer = super()._keras_optimizer(common)
        if self.second_momentum and self.optimizer != "sgd":
            setattr(optimizer, "rho" if self.optimizer == "rmsprop" else "beta_2", self.second_momentum)
        return optimizer

    def learning_rates(self, first_epoch: int, last_epoch: int, final: bool, steps_per_epoch: int) -> np.ndarray:
        """Learning rate of every step: float32, shape ((last_epoch - first_epoch) * steps_per_epoch,)."""
        if self.schedule != "log-cosine":
            return super().learning_rates(first_epoch, last_epoch, final, steps_per_epoch)
        step = np.arange(first_epoch * steps_per_epoch, last_epoch * steps_per_epoch, dtype=np.float64)
        if final:
            done = (np.arange(len(step)) + 0.5) / max(1, len(step))
            cycles = _CYCLES if first_epoch == 0 else 1
            phase = np.log2(1.0 + (2.0**cycles - 1.0) * done)
        else:
            # Of the middle of the step: none lies on the edge of a cycle.
            epoch = (step + 0.5) / steps_per_epoch
            begin = _CYCLE_GROWTH ** np.floor(np.log(np.maximum(epoch, 1.0)) / math.log(_CYCLE_GROWTH))
            within = np.where(epoch < 1.0, epoch, (epoch - begin) / ((_CYCLE_GROWTH - 1.0) * begin))
            phase = np.log2(1.0 + within)
        rates = float(self.learning_rate) * 0.5 * (1.0 - np.cos(2.0 * np.pi * phase))
        if self.warmup:
            rates *= np.minimum(1.0, (step + 1.0) / (self.warmup * steps_per_epoch))
        return rates.astype(np.float32)


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


class AveragedTabularTraining(TabularTraining):
    """:class:`TabularTraining` with the field of :class:`AveragedTraining`."""

    averaging = Float(0.0, 0.99999, default=0.0)


#: Class of training settings to the one that averages too.
AVERAGED: Mapping[type[Training], type[Training]] = {
    Training: AveragedTraining,
    ImageTraining: AveragedImageTraining,
    TabularTraining: AveragedTabularTraining,
}


def averaged_name(name: str, fields: Mapping[str, Domain]) -> str:
    """Name of the class that has these fields: the averaging one where ``averaging`` is among them."""
    names = {kind.__name__: averaged.__name__ for kind, averaged in AVERAGED.items()}
    return names.get(name, name) if "averaging" in fields else name
