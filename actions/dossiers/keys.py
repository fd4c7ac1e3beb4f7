"""Keyed hashes: of proofs, of dossier codes, of addresses; each purpose has a key of its own.

What a keyed hash of four digits can protect, and what it cannot: there are only 10,000 of them. Whoever gets the
database **and** the key finds every proof at once by trying all. Whoever gets only the database (a copied file, a
backup, a report) learns nothing, not even that two dossiers belong to one person, because the dossier's code goes
into the hash. Against guessing from outside a hash does nothing at all: a guess hits the phone's or the identity
number's digits about twice in 10,000 tries. The limits on tries (:mod:`actions.dossiers.tries`) carry that weight.
"""

from __future__ import annotations

import hashlib
import hmac

PROOF_DIGITS = 4


def purpose_key(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, from which neither ``key`` nor another purpose's key can be told."""
    return hmac.digest(key, b"motcua:" + purpose.encode(), "sha256")


class Pseudonyms:
    """Keyed hashes of what must not be stored as it is, such as codes and addresses.

    Args:
        key: the installation's secret key.
        purpose: what the hashes are for; the same value has unrelated hashes in two purposes.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = purpose_key(key, purpose)

    def of(self, *values: str) -> str:
        """64 hexadecimal digits, the same for the same values."""
        parts = [value.encode(errors="surrogatepass") for value in values]
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.new(self._key, framed, hashlib.sha256).hexdigest()


class ProofHashes:
    """Keyed hashes of the last digits of phone and identity number, salted with the dossier's code."""

    def __init__(self, key: bytes) -> None:
        self._pseudonyms = Pseudonyms(key, "dossier-proof")

    def phone(self, code: str, number: str) -> str | None:
        """The hash to store of a phone number or its last digits; None where there are fewer than four."""
        return self._hash("phone", code, number)

    def identity(self, code: str, number: str) -> str | None:
        """The hash to store of an identity number or its last digits; None where there are fewer than four."""
        return self._hash("identity", code, number)

    def match(self, code: str, digits: str, phone: str | None, identity: str | None) -> bool:
        """Whether ``digits`` end one of the two numbers.

        The same work is done whatever is stored, nothing included, and comparing takes constant time.
        """
        given = digits if is_proof(digits) else ""
        nothing = self._pseudonyms.of("nothing", code, given)
        by_phone = hmac.compare_digest(self._pseudonyms.of("phone", code, given), phone or nothing)
        by_identity = hmac.compare_digest(self._pseudonyms.of("identity", code, given), identity or nothing)
        return bool((by_phone | by_identity) & bool(given))

    def _hash(self, kind: str, code: str, number: str) -> str | None:
        digits = "".join(c for c in number if c.isascii() and c.isdigit())[-PROOF_DIGITS:]
        return self._pseudonyms.of(kind, code, digits) if is_proof(digits) else None


def is_proof(digits: str) -> bool:
    """Whether this is four ASCII digits."""
    return len(digits) == PROOF_DIGITS and digits.isascii() and digits.isdigit()
