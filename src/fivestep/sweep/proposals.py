"""Which settings are tried next: a function of the seed and the results so far."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .attempts import Attempt, ranked
from .quiet import quiet
from .space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

SAMPLERS = ("auto", "tpe", "random", "grid")

STARTUP = 20
"""The number of networks drawn at random before the sampler uses results."""

MOST_SHOWN, BEST_SHOWN = 500, 100
"""The most attempts that the sampler is shown, and how many of them are the best.

It compares the best 25 with the rest. For each network that it proposes, a thousand attempts take it 9 ms.
"""

TRIES = 20
"""The most draws for one network while its settings equal those of another."""


def sampler_for(name: str, space: Space, num_models: int) -> str:
    """The sampler that "auto" stands for: "grid" if all settings are lists with few enough combinations, else "tpe"."""
    if name != "auto":
        return name
    return "grid" if space.size is not None and space.size <= num_models else "tpe"


def proposals(
    space: Space, networks: Sequence[int], history: Sequence[Attempt], sampler: str, seed: int
) -> list[dict[str, Any]]:
    """The settings for each of these networks, proposed together, given the known attempts at others.

    Each call makes a new sampler, with a seed from the sweep's and the first network's number, and shows it the history
    in the order of the networks. So a sweep that was killed proposes the same settings again. Settings that occurred
    before, as happens if all are integers or lists, are redrawn a few times.
    """
    if sampler == "grid":
        return [space.combination(network) for network in networks]
    import optuna

    with quiet():
        study = optuna.create_study(sampler=_sampler(sampler, seed, networks[0]))
        distributions = space.distributions()
        for attempt in shown_of(history):
            study.add_trial(_as_trial(attempt, space))
        known = {frozenset(attempt.drawn.items()) for attempt in history}
        return [_new(known, lambda: dict(study.ask(distributions).params)) for _ in networks]


def shown_of(history: Sequence[Attempt]) -> list[Attempt]:
    """The best and the latest attempts, by network."""
    best = ranked(history)[:BEST_SHOWN]
    taken = {one.network for one in best}
    others = sorted((one for one in history if one.network not in taken), key=_network)
    return sorted([*best, *others[BEST_SHOWN - MOST_SHOWN :]], key=_network)


def _network(attempt: Attempt) -> int:
    return attempt.network


def _new(known: set[frozenset[Any]], draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Drawn settings, if possible new ones, which are added to the known ones."""
    drawn = draw()
    for _ in range(TRIES - 1):
        if frozenset(drawn.items()) not in known:
            break
        drawn = draw()
    known.add(frozenset(drawn.items()))
    return drawn


def _sampler(name: str, seed: int, first: int) -> "BaseSampler":
    """TPE after Bergstra et al. 2011, multivariate, which avoids what is being tried."""
    from optuna.samplers import RandomSampler, TPESampler

    own = int(np.random.SeedSequence([seed, first]).generate_state(1)[0])
    if name == "random":
        return RandomSampler(seed=own)
    return TPESampler(seed=own, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)


def _as_trial(attempt: Attempt, space: Space) -> "FrozenTrial":
    """An attempt as an Optuna trial."""
    from optuna.trial import TrialState, create_trial

    state = {"running": TrialState.RUNNING, "pruned": TrialState.PRUNED}.get(attempt.state, TrialState.COMPLETE)
    return create_trial(
        state=state,
        params=dict(attempt.drawn),
        distributions=space.distributions(),
        intermediate_values=dict(attempt.rungs),
        value=attempt.value if state == TrialState.COMPLETE else None,
    )
