"""Measures every figure of RESULTS.md that this machine gives in a quarter of an hour, and writes the page.

    python benchmarks/run_all.py [--quick] [NAME ...]

Each benchmark is a process of its own, the most asked-for first; one that fails is named at the end, and its old
figures stay. Close everything else before: two cores that are also busy with something give figures of nothing.
`--quick` takes two rounds each, to see that all of it runs, and keeps nothing. By name one can also run others, some of
which take longer: `estimators`, `checkpoints`, `activations`.
"""

import os
import subprocess
import sys
import tempfile
import time

from _asked import parser_of
from _measure import HERE

ROUNDS = {
    "fashion_mnist": 5,
    "small_networks": 5,
    "options": 3,
    "fleets": 3,
    "million_rows": 5,
    "prediction": 7,
    "sizes": 3,
    "cold": 2,
    "sweep": 3,
    "startup": 3,
    "doctor": 5,
    "products": 7,
    "ranks": 7,
    "streaming": 5,
}
"""How often each is measured, in this order."""
BY_NAME = {"estimators": 8, "larger": 15, "checkpoints": 3, "activations": 31, "zeros": 15, "forms": 9}
EVERY = {**ROUNDS, **BY_NAME}
QUICK = 2


def _ran(name: str, rounds: int, environment: dict[str, str]) -> bool:
    """Runs a benchmark, says how long it took, and whether it came to its end."""
    print(f"\n== {name}", flush=True)
    started = time.perf_counter()
    done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), str(rounds)], check=False, env=environment)
    print(f"== {name}: {time.perf_counter() - started:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    """Runs those that are named, or all; returns the exit status."""
    parser = parser_of(__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(EVERY))
    parser.add_argument("--quick", action="store_true", help="two rounds each, nothing is kept")
    given = parser.parse_args()
    asked, is_quick = given.names, given.quick
    if unknown := [name for name in asked if name not in EVERY]:
        parser.error(f"NAME must be one of {', '.join(EVERY)}, got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = {**os.environ, "BENCHMARK_RESULTS": folder} if is_quick else dict(os.environ)
        failed = [name for name in asked or ROUNDS if not _ran(name, QUICK if is_quick else EVERY[name], elsewhere)]
    if not is_quick and subprocess.run([sys.executable, str(HERE / "write_results.py")], check=False).returncode:
        failed.append("write_results")
    if failed:
        print(f"failed: {', '.join(failed)}; their old figures stay.", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
