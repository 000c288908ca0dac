"""Networks as most tests of a summary want them: opened and written down."""

import pytest
from anatomy_networks import Encoder, Mixed, written_down

from seethrough.models.open import open_model


@pytest.fixture
def mixed():
    opened = open_model(Mixed(), input_size=(3, 16, 16))
    return opened, written_down(opened)


@pytest.fixture
def encoder():
    opened = open_model(Encoder(), input_size=(3, 32, 32))
    return opened, written_down(opened)
