"""A network and its pictures for the tests of work over many images."""

import pytest
from jobs_material import draw, network


@pytest.fixture(scope="session")
def net():
    return network()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of 50 pictures."""
    return draw(tmp_path_factory.mktemp("jobs") / "pictures", 50)
