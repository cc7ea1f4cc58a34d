"""Where every random draw of a campaign comes from.

Trial n draws from ``SeedSequence(campaign_seed, spawn_key=(purpose, n))``, so
that there is no generator state to save, and nothing that one purpose draws
shifts what another one draws.
"""

from __future__ import annotations

import enum

import numpy as np


class Purpose(enum.IntEnum):
    """What a random number is for. Values are part of the format: never renumber."""

    PROPOSAL = 0
    TRAINING = 1
    FINISH = 2
    ENSEMBLE = 3


def generator(seed: int, purpose: Purpose, number: int = 0) -> np.random.Generator:
    """The generator for one purpose of one trial."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(purpose), number)))


def training_seed(seed: int, number: int) -> int:
    """The seed of a trial's weights, shuffling, dropout and augmentation, in ``[0, 2**31)``."""
    sequence = np.random.SeedSequence(seed, spawn_key=(int(Purpose.TRAINING), number))
    return int(sequence.generate_state(1)[0] >> 1)
