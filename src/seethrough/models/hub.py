"""The Hugging Face hub, from which timm and transformers fetch by name: only when asked to, and without minutes of
retries where it can't be reached.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlparse
from urllib.request import getproxies

from seethrough.errors import EnvironmentLacks, SeethroughError, UsageError


@contextmanager
def hub(what: str, instead: str, *, download: bool) -> Iterator[None]:
    """Within this, libraries find what the hub's cache on this machine holds, and fetch the rest only if ``download``.

    Parameters
    ----------
    what
        What is looked for, as the subject of a sentence: ``"The weights of timm:resnet50"``.
    instead
        What a person can do where it can't be had, as the end of a sentence.
    download
        Whether it may be fetched.

    Raises
    ------
    EnvironmentLacks
        It isn't on this machine and can't or may not be fetched.
    UsageError
        The hub was asked and has no such thing.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    reachable = download and _reachable(constants.ENDPOINT)
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE or not reachable
    try:
        # Progress is drawn on standard output by some, which belongs to the answer.
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except SeethroughError:
        raise
    except RepositoryNotFoundError as error:
        raise UsageError(f"{what} can't be found: the hub has no such network, or keeps it private.") from error
    except (OSError, HfHubHTTPError) as error:
        missing = "and the hub can't be reached" if download and not reachable else "or can't be read"
        first = "" if not reachable else f" ({(str(error).strip().splitlines() or [''])[0][:150]})"
        raise EnvironmentLacks(f"{what} aren't on this machine {missing}{first}; {instead}.") from error
    finally:
        constants.HF_HUB_OFFLINE = before


def _reachable(endpoint: str) -> bool:
    """Whether the hub's name can be found out; behind a proxy that is the proxy's affair."""
    if getproxies().keys() & {"https", "all"}:
        return True
    try:
        socket.getaddrinfo(urlparse(endpoint).hostname, 443)
    except OSError:
        return False
    return True
