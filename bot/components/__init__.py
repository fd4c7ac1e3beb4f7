"""Graph components of the Rasa pipeline. Of ours they may import ``knowledge.text`` and ``knowledge.fields`` only.

Importing any of them also brings two repairs of Rasa's server, which has no other place to put them.
"""

from bot.components import action_schema, privacy

__all__ = ["action_schema", "privacy"]
