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
BY_NAME = {"estimators": 8, "checkpoints": 3, "activations": 31}
QUICK = 2


def _ran(name: str, rounds: int, environment: dict[str, str]) -> bool:
    """Runs a benchmark, says how long it took, and whether it came to its end."""
    print(f"\n== {name}", flush=True)
    started = time.perf_counter()
    done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), str(rounds)], check=False, env=environment)
    print(f"== {name}: {time.perf_counter() - started:.0f} s", flush=True)
    return done.returncode == 0


def main(words: list[str]) -> int:
    """Runs those that are named, or all; returns the exit status."""
    asked = [word for word in words if word != "--quick"]
    every = {**ROUNDS, **BY_NAME}
    if unknown := [name for name in asked if name not in every]:
        print(f"NAME must be one of {', '.join(every)}, got {', '.join(unknown)}.", file=sys.stderr)
        return 2
    is_quick = "--quick" in words
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = {**os.environ, "BENCHMARK_RESULTS": folder} if is_quick else dict(os.environ)
        failed = [name for name in asked or ROUNDS if not _ran(name, QUICK if is_quick else every[name], elsewhere)]
    if not is_quick and subprocess.run([sys.executable, str(HERE / "write_results.py")], check=False).returncode:
        failed.append("write_results")
    if failed:
        print(f"failed: {', '.join(failed)}; their old figures stay.", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
