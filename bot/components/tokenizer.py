"""Splits a Vietnamese message into words that are the same with and without accents."""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from knowledge.text import fold, normalize

MAX_WORDS = 120
"""Words of a message that the classifier sees; a longer text says at its start what it wants, or nothing useful."""

_WORD = re.compile(r"[^\W_]+|[?]")
_DIGITS = re.compile(r"\d")


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER], is_trainable=False)
class VietnameseTokenizer(Tokenizer):
    """Cleans the text (NFC, no markup or control characters), writes out abbreviations, folds accents, hides digits.

    The message keeps its own text; only the tokens, and so the features, are normal. A message without any word
    ("", "👍", "...") becomes one token that stands for nothing, because the featurizers need one.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        words = _WORD.findall(fold(normalize(message.get(attribute) or "")).lower())[:MAX_WORDS]
        words = [_DIGITS.sub("0", word) if len(word) > 1 else word for word in words]
        tokens, at = [], 0
        for word in words or ["__none__"]:
            tokens.append(Token(word, at))
            at += len(word) + 1
        return self._apply_token_pattern(tokens)
