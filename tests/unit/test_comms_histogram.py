"""Bounded histograms: exact where they say so, within their bucket elsewhere."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosim.comms.histogram import EXACT_BELOW_MS, bucket_ms, merge, middle_ms, quantile_ms
from cosim.comms.latency import LONGEST_MS


def test_exact_below_a_second() -> None:
    assert [bucket_ms(latency) for latency in range(EXACT_BELOW_MS)] == list(range(EXACT_BELOW_MS))
    assert middle_ms(EXACT_BELOW_MS - 1) == EXACT_BELOW_MS - 1


@given(st.integers(0, LONGEST_MS))
def test_middle_of_the_bucket_is_near(latency: int) -> None:
    assert abs(middle_ms(bucket_ms(latency)) - latency) <= latency / 1024
    assert bucket_ms(bucket_ms(latency)) == bucket_ms(latency)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_order_is_kept(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert bucket_ms(low) <= bucket_ms(high)


def test_number_of_buckets_is_bounded() -> None:
    doublings = math.ceil(math.log2(LONGEST_MS / EXACT_BELOW_MS))
    assert EXACT_BELOW_MS + 512 * doublings < 18_500


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=60),
    st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_quantile_is_the_inverse_of_the_empirical_distribution(values: list[int], p: float) -> None:
    histogram: dict[int, int] = {}
    for value in values:
        histogram[bucket_ms(value)] = histogram.get(bucket_ms(value), 0) + 1
    expected = int(np.quantile(values, p, method="inverted_cdf"))
    assert quantile_ms(histogram, p) == middle_ms(bucket_ms(expected))


def test_nothing_has_no_quantile() -> None:
    assert quantile_ms({}, 0.5) is None


def test_merge_adds() -> None:
    assert merge([{1: 2, 5: 1}, {5: 4}, {}]) == {1: 2, 5: 5}
