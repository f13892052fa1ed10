"""Recomputes count, bytes and digest of a collection, as docs/verify/digests.md defines them. Needs only pymongo.

    python3 digest.py mongodb://... DATABASE COLLECTION

For a time series, COLLECTION is system.buckets.NAME. The collection must stand still meanwhile.
"""
import hashlib
import sys

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

uri, database, name = sys.argv[1:]
client = MongoClient(uri, document_class=RawBSONDocument)
collection = client[database].get_collection(name)
[info] = MongoClient(uri)[database].list_collections(filter={"name": name})
is_capped = info["options"].get("capped", False)

count, size, total, chain = 0, 0, 0, bytes(32)
for document in collection.find(hint=[("$natural", 1)]):
    hashed = hashlib.sha256(document.raw).digest()
    count += 1
    size += len(document.raw)
    total = (total + int.from_bytes(hashed, "big")) % 2**256
    chain = hashlib.sha256(chain + hashed).digest()

print(f"count {count}\nbytes {size}\ndigest {total:064x}")
if is_capped:
    print(f"orderDigest {chain.hex()}")
