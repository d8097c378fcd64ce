"""Passphrases, kept so that nobody can read them back: a salt and what scrypt makes of both."""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping

from pipelines.errors import StudioError

COST = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a guess
LEAST, MOST = 4, 200  # characters


def hashed(phrase: str) -> dict[str, str]:
    """Salt and hash of a passphrase, as hex.

    Raises:
        StudioError: too short or too long.
    """
    told = normal(phrase)
    if not LEAST <= len(told) <= MOST:
        raise StudioError(
            f"The passphrase has {len(told)} characters; give {LEAST} to {MOST}, such as three words."
        )
    salt = secrets.token_bytes(16)
    return {"salt": salt.hex(), "hash": hashlib.scrypt(told.encode(), salt=salt, **COST).hex()}


def fits(phrase: str, kept: Mapping[str, str]) -> bool:
    """Whether this is the passphrase; as slow for a wrong one as for the right one."""
    told = normal(phrase)[:MOST].encode()
    made = hashlib.scrypt(told, salt=bytes.fromhex(kept["salt"]), **COST)
    return hmac.compare_digest(made.hex(), kept["hash"])


def normal(phrase: str) -> str:
    """The phrase without what keyboards do differently: outer blanks, composed letters."""
    return unicodedata.normalize("NFKC", str(phrase or "")).strip()
