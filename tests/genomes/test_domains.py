from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomes.domains import Boolean, Choice, Domain, Fixed, Float, Int, domain_from_json
from genomes.errors import GenomeError


@st.composite
def ints(draw: st.DrawFn) -> Int:
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -(10**9), 10**9))
    high = draw(st.integers(low, low + 10**10))
    return Int(low, high, step=draw(st.integers(1, 50)), log=log, reverse=log and draw(st.booleans()))


@st.composite
def floats(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    low = draw(st.floats(1e-9, 1e6)) if log else draw(st.floats(-1e6, 1e6))
    high = low * draw(st.floats(1, 1e9)) if log else low + draw(st.floats(0, 1e6))
    step = None
    if draw(st.booleans()):
        step = draw(st.floats(1.01, 100)) if log else max((high - low) / draw(st.floats(0.5, 1000)), 1e-3)
    return Float(low, high, step=step, log=log, reverse=log and draw(st.booleans()))


scalars = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6), st.text(max_size=5), st.booleans(), st.none())
choices = st.lists(scalars, min_size=1, max_size=8, unique_by=lambda v: (isinstance(v, bool), v)).map(Choice)
domains = st.one_of(ints(), floats(), choices, st.booleans().map(Boolean), scalars.map(Fixed))
seeds = st.integers(0, 2**32 - 1)


def same(a: object, b: object) -> bool:
    return a == b and type(a) is type(b)


@given(domains, seeds)
def test_samples_belong_and_are_plain_values(domain: Domain, seed: int) -> None:
    value = domain.sample(np.random.default_rng(seed))
    assert same(domain.validate(value), value)
    assert type(value) in (int, float, bool, str, type(None))
    assert domain.contains(domain.default)


@given(domains, seeds)
def test_unit_interval_maps_there_and_back(domain: Domain, seed: int) -> None:
    value = domain.sample(np.random.default_rng(seed))
    unit = domain.to_unit(value)
    assert 0 <= unit <= 1
    back = domain.from_unit(unit)
    if isinstance(domain, Float) and domain.size is None:
        assert math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-9)
    else:
        assert same(back, value)


@given(domains)
def test_ends_of_the_unit_interval_are_values(domain: Domain) -> None:
    for unit in (-0.5, 0.0, 1.0, 1.5):
        assert domain.contains(domain.from_unit(unit))


@given(domains, seeds)
def test_perturbation_gives_another_value(domain: Domain, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = domain.sample(rng)
    other = domain.perturb(value, rng)
    assert domain.contains(other)
    if domain.size is not None and domain.size > 1:
        assert other != value
    if domain.size == 1:
        assert same(other, value)


@given(domains)
def test_json_is_identity(domain: Domain) -> None:
    again = domain_from_json(json.loads(json.dumps(domain.to_json())))
    assert again == domain
    assert type(again) is type(domain)
    assert hash(again) == hash(domain)
    assert same(again.default, domain.default)


@given(domains, seeds)
def test_same_rng_same_draws(domain: Domain, seed: int) -> None:
    def draws() -> list[object]:
        rng = np.random.default_rng(seed)
        value = domain.sample(rng)
        return [value, domain.perturb(value, rng)]

    assert draws() == draws()


@given(ints().filter(lambda d: d.size is not None and d.size <= 500))
def test_every_value_of_an_int_is_reached_and_owns_its_part(domain: Int) -> None:
    assert domain.size is not None
    reached = {domain.from_unit(unit) for unit in np.linspace(0, 1, 40 * domain.size)}
    if not domain.log:
        assert len(reached) == domain.size
    assert all(domain.contains(value) for value in reached)
    units = [domain.to_unit(value) for value in sorted(reached)]
    assert units == sorted(units)


def test_powers_are_counted_exactly() -> None:
    assert Int(1, 2**40 - 1, step=2, log=True).size == 40
    assert Int(1, 2**40, step=2, log=True).size == 41
    assert [Int(8, 64, step=2, log=True).from_unit(u) for u in (0.1, 0.3, 0.6, 0.9)] == [8, 16, 32, 64]


def test_decimal_steps_are_written_as_decimals() -> None:
    domain = Float(0.1, 0.5, step=0.1)
    assert [domain.from_unit((i + 0.5) / 5) for i in range(5)] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert domain.validate(0.1 + 0.2) == 0.3


def test_an_unround_lower_end_with_steps_belongs_to_the_domain() -> None:
    low = 0.12345678901234567
    domain = Float(low, 2.0, step=0.25)
    assert domain.validate(domain.from_unit(0.0)) == low


def test_logarithmic_samples_spread_over_magnitudes() -> None:
    rng = np.random.default_rng(0)
    values = [Float(1e-5, 1e-1, log=True).sample(rng) for _ in range(2000)]
    assert 0.4 < np.mean(np.asarray(values) < 1e-3) < 0.6


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        ("Float", {"min_value": 1e-3, "max_value": 1.0}),
        ("Float", {"min_value": 0.5, "max_value": 8.0, "step": 2}),
        ("Float", {"min_value": 0.1, "max_value": 0.95, "step": 1.5}),
        ("Int", {"min_value": 1, "max_value": 10}),
        ("Int", {"min_value": 7, "max_value": 300}),
        ("Int", {"min_value": 2, "max_value": 64, "step": 2}),
        ("Int", {"min_value": 3, "max_value": 100, "step": 3}),
    ],
)
def test_mirrored_logarithms_are_spread_as_keras_tuners(make: str, arguments: dict[str, float]) -> None:
    engine = pytest.importorskip("keras_tuner.engine.hyperparameters")
    theirs = getattr(engine, make)("x", sampling="reverse_log", **arguments)
    kind = Float if make == "Float" else Int
    step = arguments.get("step", None if make == "Float" else 1)
    ours = kind(arguments["min_value"], arguments["max_value"], step=step, log=True, reverse=True)  # type: ignore[arg-type]
    units = (np.arange(20_000) + 0.5) / 20_000
    mine = np.sort([float(ours.from_unit(u)) for u in units])
    other = np.sort([float(theirs.prob_to_value(u)) for u in units])
    # As distributions: quantile by quantile; a border between two whole numbers may fall on either side of a unit.
    assert np.isclose(mine, other, rtol=1e-9, atol=1e-12).mean() > 0.999
    assert ours.to_unit(mine[-1]) > ours.to_unit(mine[0])


def test_a_mirrored_scale_is_dense_at_its_upper_end() -> None:
    rng = np.random.default_rng(0)
    domain = Float(1e-3, 1.0, log=True, reverse=True)
    values = np.asarray([domain.sample(rng) for _ in range(2000)])
    assert 0.4 < np.mean(values > 0.98) < 0.5 and np.mean(values < 0.5) < 0.15
    assert domain.default == 1e-3 and Int(2, 64, step=2, log=True, reverse=True).default == 2
    assert Int(3, 100, step=3, log=True, reverse=True).default == 22  # 103 - 81


def test_perturbation_stays_near() -> None:
    domain, rng = Float(0.0, 1.0), np.random.default_rng(1)
    assert np.mean([abs(domain.perturb(0.5, rng) - 0.5) for _ in range(500)]) < 0.2


def test_numpy_values_become_plain() -> None:
    assert type(Int(1, 8).validate(np.int64(3))) is int
    assert type(Float(0, 1).validate(np.float32(0.5))) is float
    assert type(Choice([1, 2]).validate(np.int32(2))) is int
    assert Choice(np.array([1, 2])).values == (1, 2)
    assert Float(-1, 1).validate(-0.0).hex() == (0.0).hex()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Int(5, 3), "low must not exceed high, got low=5, high=3"),
        (lambda: Int(1.5, 3), "low: expected a whole number, got 1.5"),
        (lambda: Int(0, 3, log=True), "log=True needs low >= 1, got low=0"),
        (lambda: Int(0, 3, step=0), "step must be 1 or more, got 0"),
        (lambda: Int(0, 3, default=4), "default: expected 0 to 3, got 4"),
        (lambda: Int(0, 9, step=3, default=4), "in steps of 3, got 4"),
        (lambda: Int(0, 2**52), "too wide"),
        (lambda: Int(True, 3), "low: expected a whole number, got True"),
        (lambda: Float(1.0, 0.5), "low must not exceed high, got low=1.0, high=0.5"),
        (lambda: Float(0.0, 1.0, log=True), "log=True needs low > 0"),
        (lambda: Float(0.1, 1.0, log=True, step=1.0), "step must be above 1"),
        (lambda: Float(0.1, 1.0, reverse=True), "Float: reverse=True mirrors a logarithmic scale; give log=True too"),
        (lambda: Int(1, 9, reverse=True), "Int: reverse=True mirrors"),
        (lambda: Float(1e-9, 1e9, 2.0, log=True, reverse=True), "reverse needs larger ones"),
        (lambda: Float(0, math.nan), "high: expected a finite number"),
        (lambda: Float("a", 1), "low: expected a number, got 'a'"),
        (lambda: Float(0, 1, default=2), "default: expected 0.0 to 1.0, got 2.0"),
        (lambda: Choice([]), "at least one value"),
        (lambda: Choice("relu"), "at least one value, got 'relu'"),
        (lambda: Choice(5), "expected a list"),
        (lambda: Choice(["a", "a"]), "values must differ"),
        (lambda: Choice([object()]), "expected plain numbers"),
        (lambda: Choice([math.inf]), "finite"),
        (lambda: Choice(["a"], default="b"), "default: expected one of ['a'], got 'b'"),
        (lambda: domain_from_json({"domain": "os.system"}), "expected a domain"),
        (lambda: domain_from_json({"domain": "Int", "low": 1}), "Int: "),
        (lambda: domain_from_json({"domain": "Int", "low": 1, "high": 2, "evil": 3}), "evil"),
        (lambda: domain_from_json([1]), "expected a domain"),
    ],
)
def test_wrong_arguments_are_named(make, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        make()
    assert words in str(error.value)


@given(
    domains,
    st.recursive(
        st.one_of(scalars, st.integers(), st.floats(), st.just(10**400), st.binary(max_size=3)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
)
def test_validation_gives_a_value_or_a_genome_error(domain: Domain, value: object) -> None:
    try:
        accepted = domain.validate(value, "genes[0].x")
    except GenomeError as error:
        assert str(error).startswith("genes[0].x: ")
        assert len(str(error)) < 2000
    else:
        assert domain.contains(accepted)


def test_the_ends_of_a_logarithmic_float_are_its_bounds_to_the_last_digit() -> None:
    for low, high in ((1e-4, 1e-2), (1e-3, 0.1), (0.3, 0.7)):
        for reverse in (False, True):
            domain = Float(low, high, log=True, reverse=reverse)
            assert (domain.from_unit(0.0), domain.from_unit(1.0)) == (low, high)
