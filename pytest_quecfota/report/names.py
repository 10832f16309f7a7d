"""Names that are safe as a folder on every file system, and still say which test they belong to."""

from __future__ import annotations

import hashlib
import re

#: The longest folder name of a test; leaves room for a suffix under every file system's 255 bytes.
LONGEST = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9._=+-]+")


def safe(text: str, longest: int = LONGEST) -> str:
    """`text` with only letters, digits and `._=+-`, never empty, never hidden, at most `longest` characters.

    What had to be cut short ends in eight hex digits of the whole text's digest, so that it stays unique.
    """
    name = _UNSAFE.sub("-", text).strip("-.") or "unnamed"
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: longest - 9].rstrip('-.')}-{digest}"


def candidates(nodeid: str, longest: int = LONGEST) -> list[str]:
    """Folder names for a test, nicest first: `test_full`, then `test_upgrade-test_full`, then one with a digest.

    The first is for the test's own name with its parameters, the second tells two files apart, the last is unique.
    """
    path, _, name = nodeid.partition("::")
    name = (name or path).replace("::", ".")
    stem = path.rsplit("/", 1)[-1].removesuffix(".py")
    digest = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    short = longest - len("-00000000-999")
    return [safe(name, longest), safe(f"{stem}-{name}", longest), f"{safe(name, short)}-{digest}"]
