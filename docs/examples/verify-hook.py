# Verifies the signature of a Linkspan webhook (https://www.standardwebhooks.com).
# Usage: HOOK_SECRET=whsec_... python3 verify-hook.py ID TIMESTAMP SIGNATURE < BODY
import base64
import hashlib
import hmac
import json
import os
import sys
import time


def is_signed(secret, id, timestamp, signature, body):
    """Returns whether one of the signatures is right. body has the bytes as they arrived, before any parsing."""
    # An old request may be a replay.
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(expected, one) for one in signature.split(" "))


if __name__ == "__main__":
    body = sys.stdin.buffer.read()
    is_right = is_signed(os.environ["HOOK_SECRET"], *sys.argv[1:4], body)
    print(json.loads(body)["type"] if is_right else "not signed")
    sys.exit(0 if is_right else 1)
