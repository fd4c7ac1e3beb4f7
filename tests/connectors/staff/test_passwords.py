"""Hashes of passwords, and what a new one must be."""

from __future__ import annotations

import unicodedata

import pytest

from connectors.staff import passwords
from connectors.staff.passwords import PasswordProblem, WeakPasswordError, check_new, hashed, is_outdated, matches


def test_only_the_right_password_matches_and_no_two_hashes_are_alike() -> None:
    one, two = hashed("một câu dài dễ nhớ"), hashed("một câu dài dễ nhớ")
    assert one.startswith("$argon2id$")
    assert one != two
    assert matches(one, "một câu dài dễ nhớ")
    assert not matches(one, "một câu dài dễ nhơ")
    assert not matches("no hash at all", "một câu dài dễ nhớ")


def test_letters_in_parts_are_the_same_password() -> None:
    typed = "một câu dài dễ nhớ"
    assert matches(hashed(unicodedata.normalize("NFC", typed)), unicodedata.normalize("NFD", typed))


def test_without_an_account_nothing_matches_after_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = passwords._hasher.verify

    class Watched:
        def verify(self, hash: str, password: str) -> bool:
            verified.append(hash)
            return real(hash, password)

    right = hashed("một câu dài dễ nhớ")
    nobody = passwords._nobodys_hash()
    monkeypatch.setattr(passwords, "_hasher", Watched())
    assert not matches(None, "nobody has this password")
    assert not matches(right, "khác")
    assert verified == [nobody, right]
    assert [hash.split("$")[3] for hash in verified] == [right.split("$")[3]] * 2, (
        "the same parameters, so the same time"
    )


def test_the_shipped_parameters_are_rfc_9106s() -> None:
    assert passwords.PasswordHasher().memory_cost >= 65_536
    assert passwords.PasswordHasher().time_cost >= 3


def test_a_hash_of_other_parameters_is_outdated() -> None:
    old = passwords.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash("một câu dài dễ nhớ")
    assert is_outdated(old)
    assert not is_outdated(hashed("một câu dài dễ nhớ"))


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("ngắn quá", PasswordProblem.TOO_SHORT),
        ("x" * 201, PasswordProblem.TOO_LONG),
        ("canbo.lan1", PasswordProblem.IS_THE_NAME),
        ("Cán Bộ Lan 2026", PasswordProblem.IS_THE_NAME),
        ("Nguyễn Thị Lan", PasswordProblem.IS_THE_NAME),
        ("1234567890", PasswordProblem.COMMON),
        ("matkhau12345", PasswordProblem.COMMON),
        ("Mật Khẩu 123", PasswordProblem.COMMON),
        ("anhyeuem2026!", PasswordProblem.COMMON),
        ("aaaaaaaaaaaa", PasswordProblem.COMMON),
        ("1212121212", PasswordProblem.COMMON),
    ],
)
def test_weak_passwords_are_refused(password: str, problem: PasswordProblem) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        check_new(password, "canbo.lan", "Nguyễn Thị Lan")
    assert refused.value.problem is problem


def test_a_sentence_is_taken() -> None:
    check_new("hôm nay trời đẹp", "canbo.lan", "Nguyễn Thị Lan")
