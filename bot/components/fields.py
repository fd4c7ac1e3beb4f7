"""Puts the facts that a message asks for on the message, as entities named ``field``."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from knowledge.fields import asked_fields

FIELD_OF_INTENT = {
    "ask_documents": "documents",
    "ask_fee": "fee",
    "ask_time": "time",
    "ask_place": "place",
    "ask_online": "method",
    "ask_form": "form",
    "ask_conditions": "conditions",
    "ask_result": "result",
    "ask_legal": "legal",
}
ABOUT_PROCEDURES = {*FIELD_OF_INTENT, "ask_overview", "choose_option", "correct", "go_back", "more", "nlu_fallback"}


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class FieldDetector(GraphComponent):
    """Entities ``{"entity": "field", "value": "fee"}``, one for each fact that is asked for.

    The words decide (``knowledge.fields``); where they name no fact, the classifier's intent does if it is sure
    enough. Buttons (``/ask_fee``) never come here: Rasa reads them before the pipeline, and the action takes
    the field from the intent.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"threshold": 0.4}

    def __init__(self, config: dict[str, Any]) -> None:
        self._threshold = config["threshold"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FieldDetector:
        return cls(config)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            found = [
                {"entity": "field", "value": field, "extractor": "FieldDetector"} for field in self._fields(message)
            ]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages

    def process_training_data(self, training_data: Any) -> Any:
        return training_data

    def _fields(self, message: Message) -> list[str]:
        intent = message.get(INTENT) or {}
        name = intent.get("name")
        if name not in ABOUT_PROCEDURES:
            return []
        if fields := asked_fields(message.get(TEXT) or ""):
            return fields
        if name in FIELD_OF_INTENT and intent["confidence"] >= self._threshold:
            return [FIELD_OF_INTENT[name]]
        return []
