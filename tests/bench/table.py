"""The figures as a person reads them."""

from typing import Any

Row = tuple[str, ...]


def print_figures(figures: dict[str, Any]) -> None:
    """Print the tables of one run."""
    for title, rows in (
        ("Own overhead of an HTTPS order, warm (ms)", _overhead(figures["overhead"])),
        ("AWS calls of a warm order", _calls(figures["overhead"])),
        ("A refresh of 100,000 instruments", _refresh(figures["instruments"])),
        ("First invocation, cold (ms)", _cold(figures["cold_start"])),
        ("Layers, unzipped (MiB)", _sizes(figures["layers"])),
        ("Import of each function (ms, importtime's own cost included)", _imports(figures["imports"])),
    ):
        print(f"\n{title}")
        _print_rows(rows)


def _overhead(overhead: dict[str, Any]) -> list[Row]:
    head = ("broker", "p50", "p99", "floor p50", "floor p99", "times floor p50", "p99")
    names = ("overhead_ms_p50", "overhead_ms_p99", "floor_ms_p50", "floor_ms_p99")
    ratios = ("overhead_to_floor_p50", "overhead_to_floor_p99")
    return [head, *((broker, *_texts(one, *names, *ratios)) for broker, one in overhead.items())]


def _calls(overhead: dict[str, Any]) -> list[Row]:
    rows = ((broker, *_texts(one, "aws_calls_before", "aws_calls_after")) for broker, one in overhead.items())
    return [("broker", "before the broker", "after"), *rows]


def _refresh(instruments: dict[str, Any]) -> list[Row]:
    names = ("cpu_s", "floor_cpu_s", "to_floor", "peak_mib", "write_units", "read_units", "rows_written")
    head = (
        "day",
        "own time, s",
        "floor, s",
        "times floor",
        "peak, MiB",
        "write units",
        "read units",
        "rows written",
    )
    days = ((day, *_texts(instruments[day], *names)) for day in ("first_day", "second_day"))
    return [head, *days]


def _cold(cold_start: dict[str, Any]) -> list[Row]:
    names = ("median_ms", "init_ms", "least_ms", "most_ms", "ratio")
    rows = ((name, *_texts(one, *names)) for name, one in cold_start.items())
    return [("function", "median", "init", "least", "most", "ratio"), *rows]


def _sizes(layers: dict[str, Any]) -> list[Row]:
    parts = {**layers["layers"], "together": layers["total"]}
    largest = ", ".join(f"{name} {size}" for name, size in layers["packages"].items())
    return [*((name, str(size)) for name, size in parts.items()), ("largest", largest)]


def _imports(imports: dict[str, Any]) -> list[Row]:
    return [
        (
            function,
            str(one["import_ms"]),
            ", ".join(f"{name} {ms}" for name, ms in one["packages_ms"].items()),
        )
        for function, one in imports.items()
    ]


def _texts(figures: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(str(figures[name]) for name in names)


def _print_rows(rows: list[Row]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
