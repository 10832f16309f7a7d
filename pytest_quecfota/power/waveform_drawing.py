"""A waveform as a picture: in the terminal with block characters, in a file through matplotlib; and as a table."""

from __future__ import annotations

from pathlib import Path

from pytest_quecfota.power.waveform import Waveform

WIDTH, HEIGHT = 72, 12  # of a drawing in the terminal, in characters
EIGHTHS = " ▁▂▃▄▅▆▇█"
LOOKS = 16  # moments looked at for one column
NO_PLOTS = "no picture: matplotlib is missing; pip install 'pytest-quecfota[plots]'"


def in_text(shape: Waveform, nominal: float) -> str:
    """Volts over time in block characters; a column shows the least voltage in its time, so that no dip is hidden."""
    top = max(shape.highest, nominal)
    columns = []
    for k in range(WIDTH):
        moments = [shape.duration * (k + j / LOOKS) / WIDTH for j in range(LOOKS)]
        columns.append(min(shape.voltage_at(t) for t in moments))
    rows = []
    for row in range(HEIGHT, 0, -1):
        line = "".join(_block(volts / top * HEIGHT - (row - 1)) for volts in columns)
        label = f"{top * row / HEIGHT:6.2f} V" if row % 3 == 0 else " " * 8
        rows.append(f"{label} {line}".rstrip())
    right = f"{shape.duration:g} s"
    return "\n".join([*rows, f"{'0 s':>12}{right:>{WIDTH - 3}}"])


def table(shape: Waveform) -> str:
    """Corners as `seconds,volts`, one a line, with a head."""
    return "\n".join(["seconds,volts", *(f"{t:.9g},{volts:.6g}" for t, volts in shape.points())])


def svg(shape: Waveform, path: Path) -> None:
    """Draw it into a file; its ending says of which kind.

    Raises:
        ValueError: matplotlib is missing, or does not know that ending.
        OSError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(NO_PLOTS) from None
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.add_subplot()
    corners = shape.points()
    axes.plot([t for t, _ in corners], [volts for _, volts in corners], linewidth=1.2)
    axes.set(xlabel="s", ylabel="V", title=shape.title or shape.name, ylim=(-0.05 * shape.highest, None))
    axes.grid(alpha=0.3)
    figure.savefig(path)


def _block(eighths: float) -> str:
    return EIGHTHS[round(8 * min(1.0, max(0.0, eighths)))]
