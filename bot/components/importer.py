"""Reads ``domain.yml`` together with the responses, which lie in a folder of their own."""

from __future__ import annotations

from rasa.shared.core.domain import Domain
from rasa.shared.importers.rasa import RasaFileImporter

RESPONSES = "bot/responses"
"""Folder of the responses, from the root of the checkout, where Rasa is started."""


class DomainWithResponses(RasaFileImporter):
    """Rasa's own reader of files, except that ``rasa train --domain`` takes only one path and we have two."""

    def get_domain(self) -> Domain:
        return super().get_domain().merge(Domain.load(RESPONSES))
