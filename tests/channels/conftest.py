"""One installation for all tests of this folder that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors import bot_process
from knowledge.settings import Settings
from tests.channels.installation import Installation, installed
from tests.conftest import unavailable


@pytest.fixture(scope="session")
def trained(starter_settings: Settings) -> Settings:
    """An installation with everything but running processes."""
    if not starter_settings.rasa_python.exists():
        unavailable("the Rasa environment is not installed (make install)")
    if not bot_process.is_trained(starter_settings):
        bot_process.train(starter_settings)
    return starter_settings


@pytest.fixture(scope="module")
def everywhere(trained: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The app, Rasa and the emulators; the office is always open."""
    with installed(
        trained, tmp_path_factory.mktemp("everywhere"), office_hours="", rate_limit_per_minute="1000"
    ) as running:
        yield running
