"""Fewer points that draw the same line: the extremes of each slice of time are kept, so that no dip is lost."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def extremes(points: Sequence[Point], slices: int) -> list[Point]:
    """At most about `4 * slices` of the points, in order: first, last, lowest and highest of every slice of time.

    Points must be in order of time. With few points all are kept.
    """
    if len(points) <= 4 * slices or slices < 1:
        return list(points)
    start, length = points[0][0], points[-1][0] - points[0][0]
    if length <= 0:
        return sorted({points[0], min(points), max(points), points[-1]})
    kept: list[Point] = []
    bucket: list[Point] = []
    edge = 1
    for point in points:
        if point[0] - start > length * edge / slices:
            kept += _corners(bucket)
            bucket = []
            edge = int((point[0] - start) / length * slices) + 1
        bucket.append(point)
    return kept + _corners(bucket)


def _corners(bucket: Sequence[Point]) -> list[Point]:
    if len(bucket) <= 4:
        return list(bucket)
    low = min(range(len(bucket)), key=lambda index: bucket[index][1])
    high = max(range(len(bucket)), key=lambda index: bucket[index][1])
    return [bucket[index] for index in sorted({0, low, high, len(bucket) - 1})]
