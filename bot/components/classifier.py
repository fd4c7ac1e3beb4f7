"""Says which kind of message it is: logistic regression over TF-IDF of words and letters, plus the facts found."""

from __future__ import annotations

from typing import Any

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_union

from knowledge.fields import asked_fields

FALLBACK = "nlu_fallback"
_FILE = "classifier.joblib"


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER], is_trainable=True)
class LinearClassifier(GraphComponent, IntentClassifier):
    """A small linear classifier that trains in seconds.

    It differs from Rasa's LogisticRegressionClassifier on CountVectorsFeaturizer in three ways (measured in
    docs/decisions/0003-classifier-and-policies.md): counts are weighted by TF-IDF, the facts that the words name
    (``knowledge.fields``) are features too, and the surety that it asks for depends on the intent. A wrong "that is
    not my business" loses the citizen's question; a wrong "let us search" does not, because the search can still say
    that it found nothing. So small talk and the like need more surety than questions, and what is not sure becomes
    ``nlu_fallback``.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"C": 20.0, "threshold": 0.25, "thresholds": {}, "ranking_length": 5}

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, model: Pipeline | None = None
    ) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LinearClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LinearClassifier:
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, joblib.load(folder / _FILE))

    def train(self, training_data: TrainingData) -> Resource:
        examples = [m for m in training_data.intent_examples if m.get(TEXT) and m.get(INTENT)]
        self._model = Pipeline(
            [
                (
                    "features",
                    make_union(
                        TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True),
                        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
                    ),
                ),
                (
                    "classifier",
                    LogisticRegression(
                        C=self._config["C"], class_weight="balanced", max_iter=300, tol=1e-3, random_state=7
                    ),
                ),
            ]
        )
        self._model.fit([_line(m) for m in examples], [m.get(INTENT) for m in examples])
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(self._model, folder / _FILE)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            ranking = self._ranking(message)
            best = ranking[0]
            least = self._config["thresholds"].get(best["name"], self._config["threshold"])
            if best["confidence"] < least:
                ranking.insert(0, {"name": FALLBACK, "confidence": 1.0 - best["confidence"]})
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def _ranking(self, message: Message) -> list[dict[str, Any]]:
        tokens = message.get(TOKENS_NAMES[TEXT])
        if self._model is None or not tokens:
            return [{"name": FALLBACK, "confidence": 1.0}]
        chances = self._model.predict_proba([_line(message)])[0]
        order = chances.argsort()[::-1][: self._config["ranking_length"]]
        return [{"name": str(self._model.classes_[i]), "confidence": float(chances[i])} for i in order]


def _line(message: Message) -> str:
    """The message as the vectorizers read it: its normal words, and a made-up word for each fact it asks for."""
    words = [token.text for token in message.get(TOKENS_NAMES[TEXT])]
    return " ".join(words + [f"asks{field}" for field in asked_fields(message.get(TEXT))])
