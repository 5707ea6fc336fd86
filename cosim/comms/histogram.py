"""Histograms of latencies in bounded memory: exact below about a second, relative buckets above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

EXACT_BELOW_MS: Final = 1024
"""Latencies below this have a bucket for each millisecond."""

SIGNIFICANT_BITS: Final = 10


def bucket_ms(latency_ms: int) -> int:
    """Lower bound of the bucket that `latency_ms` falls into.

    Notes
    -----
    The ten leading binary digits are kept, as in an HDR histogram, so a bucket's width is between 1/1024 and
    1/512 of its lower bound, and there are 512 buckets for each doubling: the longest latency possible needs
    fewer than 18,000.
    """
    if latency_ms < EXACT_BELOW_MS:
        return latency_ms
    shift = latency_ms.bit_length() - SIGNIFICANT_BITS
    return (latency_ms >> shift) << shift


def middle_ms(bucket: int) -> int:
    """Middle of the bucket with this lower bound (ms): what stands for the latencies in it."""
    if bucket < EXACT_BELOW_MS:
        return bucket
    return bucket + (1 << (bucket.bit_length() - SIGNIFICANT_BITS)) // 2


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Sum of histograms: bucket to count."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for bucket, count in histogram.items():
            total[bucket] = total.get(bucket, 0) + count
    return total


def quantile_ms(histogram: Mapping[int, int], probability: float) -> int | None:
    """Smallest latency that at least the share `probability` of all does not exceed (ms).

    Exact below `EXACT_BELOW_MS`, the middle of its bucket above; None for an empty histogram.
    """
    total = sum(histogram.values())
    if total == 0:
        return None
    below = 0
    bucket = 0
    for bucket in sorted(histogram):
        below += histogram[bucket]
        if below >= probability * total:
            break
    return middle_ms(bucket)
