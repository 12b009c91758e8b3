"""A method that changes its estimator as a whole or not at all."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])


def unchanged_if_it_fails(method: Method) -> Method:
    """The method, after whose error, or Ctrl-C, the estimator has the attributes that it had before.

    Learned attributes refer to one another: classes to the network's outputs, names to its inputs. Without this, a
    value that is refused halfway would leave new classes beside an old network, which then answers wrongly. What an
    attribute refers to is not copied: a method that changes a network in place puts it back itself.
    """

    @wraps(method)
    def all_or_nothing(of: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(vars(of))
        try:
            return method(of, *args, **kwargs)
        except BaseException:
            vars(of).clear()
            vars(of).update(before)
            raise

    return cast(Method, all_or_nothing)
