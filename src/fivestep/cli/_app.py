"""The commands by name, and one command line from its arguments to its exit code."""

import os
import sys
from collections.abc import Callable, Sequence

from cyclopts import (
    App,
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    Parameter,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from .. import __version__
from ..check import DivergenceError, InputError, RanksError, StorageError
from ..machine.memory import give_back_soon, is_limited, memory_size
from . import BAD_INPUT, DONE, FAILED, INTERRUPTED
from ._values import lacking, misfit, surplus, unknown_command, unknown_option


def shown_default(value: object) -> str | None:
    """A default as the help shows it; None for an option without effect unless given."""
    return None if value is None or value is False or value in ("", ()) else str(value)


app = App(
    name="fivestep",
    help="The training loop of a multilayer perceptron in five steps you can read, check and outrun.",
    version=__version__,
    help_epilogue="First steps: fivestep tasks, then fivestep train moons. What can be chosen: fivestep items.",
    default_parameter=Parameter(show_default=shown_default),
)
app.command("fivestep.cli.train:train", name="train", help="Train a network on a named task or a file.")
app.command("fivestep.cli.evaluate:evaluate", name="evaluate", help="Measure a trained network on its task or a file.")
app.command("fivestep.cli.predict:predict", name="predict", help="Apply a trained network to the rows of a file.")
app.command("fivestep.cli.export:export", name="export", help="Write a trained network as a file for others.")
app.command("fivestep.cli.explain:explain", name="explain", help="One step of the loop with every tensor in it.")
app.command("fivestep.cli.diagnose:diagnose", name="diagnose", help="Say why a network does not learn.")
app.command("fivestep.cli.lr:lr", name="lr", help="Find a learning rate in a hundred steps.")
app.command("fivestep.cli.plot:plot", name="plot", help="Draw a picture of a run or a task.")
app.command("fivestep.cli.items:items", name="items", help="Every activation, loss, update rule, ... and its options.")
app.command("fivestep.cli.verify:verify", name="verify", help="Show that two engines compute the same.")
app.command("fivestep.cli.sweep:sweep", name="sweep", help="Train many networks with varied settings, and rank them.")
app.command("fivestep.cli.playground:playground", name="playground", help="Write a page where the steps can be tried.")
app.command("fivestep.cli.tasks:tasks", name="tasks", help="List what can be trained by name.")
app.register_install_completion_command(help="Let bash, zsh or fish complete commands, options and files.")

SHARED = ("train", "sweep")
"""The commands whose work several ranks share; all others run on the first rank only, except for a script."""


NONE_LEFT, NONE_LEFT_THERE = "can't allocate memory", "out of memory"
"""Torch's messages when the process, or another device, is out of memory: there is no exception type for it."""


def run(arguments: Sequence[str], imported: Callable[[], None] | None = None) -> int:
    """Runs one command line and returns its exit code. `--batch_size` means `--batch-size`.

    `imported` is called when the command's modules are imported and its work begins.
    """
    if is_limited():
        give_back_soon()
    tokens = _tokens(arguments)
    is_first = os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"
    if not is_first and tokens[:1] not in ([name] for name in SHARED) and not _has_script(tokens):
        return DONE  # two that print the same, or write the same file, are one too many
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        if imported is not None:
            imported()
        return command(*bound.args, **bound.kwargs) or DONE
    except (CycloptsError, InputError) as error:
        return _say(_refusal(error) if isinstance(error, CycloptsError) else str(error), BAD_INPUT)
    except (DivergenceError, StorageError, RanksError) as error:
        return _say(str(error), FAILED)
    except (MemoryError, RuntimeError) as error:
        if (sentence := _no_memory(error)) is None:
            raise
        return _say(sentence, FAILED)
    except KeyboardInterrupt:
        return _say("interrupted.", INTERRUPTED)


def _no_memory(error: MemoryError | RuntimeError) -> str | None:
    """The message for an out-of-memory error; None for any other error."""
    if NONE_LEFT_THERE in str(error):
        return "the work must fit into the device's memory, got no more of it; take smaller batches, or --device cpu."
    if isinstance(error, RuntimeError) and NONE_LEFT not in str(error):
        return None
    size = f"{memory_size() / 2**30:,.3g} GiB that this process may have"
    return f"the work must fit into the {size}, got no more of it; take fewer rows at a time, or --stream."


def _refusal(error: CycloptsError) -> str:
    """The message about an invalid command line, with a pointer to the help."""
    if isinstance(error, CoercionError):
        return f"{misfit(error)}; see {_help(error)}."
    if isinstance(error, UnusedCliTokensError):
        return f"{surplus(error)}; see {_help(error)}."
    if isinstance(error, MissingArgumentError):
        return f"{lacking(error)}; see {_help(error)}."
    if isinstance(error, UnknownOptionError):
        return unknown_option(error, _help(error))
    if isinstance(error, UnknownCommandError):
        return unknown_command(error, [name for name in app if not name.startswith("-")])
    return f"{error} See {_help(error)}."


def _help(error: CycloptsError) -> str:
    """A pointer to the help of the command that was meant."""
    return " ".join(["fivestep", *(error.command_chain or ()), "--help"])


def _tokens(arguments: Sequence[str]) -> list[str]:
    """The arguments of the command line; those that follow a script are its own."""
    end = _script_end(arguments)
    if end is not None:
        own, others = arguments[:end], arguments[end:]
        return [*map(_with_hyphens, own), *(["--", *others] if others else [])]
    return [_with_hyphens(token) for token in arguments]


def _has_script(arguments: Sequence[str]) -> bool:
    """Whether a user's script is watched, whose ranks wait for each other."""
    return _script_end(arguments) is not None


def _script_end(arguments: Sequence[str]) -> int | None:
    """The number of arguments before the script's own: up to SCRIPT.py, or up to the module after -m."""
    if list(arguments[:1]) != ["diagnose"]:
        return None
    ends = [k + 1 + (word == "-m") for k, word in enumerate(arguments) if k and (word == "-m" or word.endswith(".py"))]
    return ends[0] if ends else None


def _with_hyphens(token: str) -> str:
    if not token.startswith("--"):
        return token
    option, equals, value = token.partition("=")
    return option.replace("_", "-") + equals + value


def _say(sentence: str, code: int) -> int:
    """Prints why the program ends, and returns its exit code. With several ranks, the first to know prints it."""
    if "RANK" in os.environ:
        from ..ranks.torchrun import is_first_to_speak, tell  # imported here because it needs torch

        tell(sentence)
        if not is_first_to_speak():
            return code
    print(f"fivestep: {sentence}", file=sys.stderr)  # noqa: T201
    return code
