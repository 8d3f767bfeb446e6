"""`make bench`: everything measured in one run.

    python -m bench [--only claims drain snapshot times board streams booked http relay burst everybody] [--quick] [--json FILE]
                    [--markdown FILE]

`--quick` is for trying that the bench itself works: its figures mean nothing. No group leaves anything for the next: between two of
them the worker does what is left to do, and the clinic is emptied.
"""

import argparse
import time
from pathlib import Path

from bench.house import at_rest, product

GROUPS = ("claims", "drain", "snapshot", "times", "board", "streams", "booked", "http", "relay", "burst", "everybody")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--quick", action="store_true", help="only try that it works: the figures mean nothing")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    parser.add_argument("--markdown", type=Path, help="write what was measured below the mark of this page")
    asked = parser.parse_args()
    with product() as url:
        import django

        django.setup()
        return measure(url, asked.only, quick=asked.quick, keep=asked.json, page=asked.markdown)


def measure(url: str, only: list[str], *, quick: bool, keep: Path | None, page: Path | None) -> int:
    """Run the groups; returns how many goals were missed."""
    from bench import board, claims, crowd, day, document, drain, fill, relay, snapshot, times
    from bench.rates import commit_probe
    from bench.report import Report

    words = ["python -m bench", *([] if tuple(only) == GROUPS else ["--only", *only]), *(["--quick"] if quick else [])]
    report = Report(" ".join(words))
    pace = {"seconds": 0.3, "rounds": 2} if quick else {"seconds": 1.0, "rounds": 8}
    many = 1_000 if quick else 12_000
    groups = {
        "claims": lambda: claims.measure(report, url, **pace, calls=many, future=5_000 if quick else 100_000),
        "drain": lambda: (
            drain.measure(report, calls=1_000 if quick else 20_000, clients=16, killed=4 if quick else 20),
            [drain.order(report, calls=300 if quick else 2_000, clients=clients) for clients in (4, 16)],
        ),
        "snapshot": lambda: snapshot.measure(report, **pace, held=5 if quick else 60),
        "times": lambda: (
            times.measure(report, **pace, times=many),
            times.burst_in_process(report, again=1 if quick else 5),
        ),
        "board": lambda: board.measure(report, **pace),
        "streams": lambda: board.streams(report, url, watchers=20 if quick else 200, changes=40 if quick else 400),
        "booked": lambda: day.request_to_booked(report, url, seconds=2 if quick else 30),
        "http": lambda: day.claims_over_http(report, url, seconds=2 if quick else 20),
        "relay": lambda: relay.measure(
            report,
            **{"rows": 3_000, "messages": 800, "rounds": 1, "per_second": 10, "seconds": 4, "kills": 2}
            if quick
            else {"rows": 30_000, "messages": 6_000, "rounds": 4, "per_second": 10, "seconds": 20, "kills": 20},
        ),
        "burst": lambda: times.burst(report, url, again=1 if quick else 20),
        "everybody": lambda: crowd.everybody(report, url, minutes=0.3 if quick else 5),
    }
    for name in only:
        report.begin(name, commit_probe())
        began = time.monotonic()
        groups[name]()
        took, rest = time.monotonic() - began, at_rest()
        fill.empty()
        report.end(took, rest)
        report.keep(keep)  # after each: what fails later takes nothing with it
        document.write(report.body(), page)
    print(f"\n{report.missed} of {sum(line.met is not None for line in report.lines)} goals missed.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
