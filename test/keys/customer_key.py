import base64, hashlib, hmac, sys

def customer_key(master, derive, bucket, object_key):
    if derive == "none":
        return master
    info = "\0".join([derive, bucket] + ([object_key] if derive == "object" else [])).encode()
    prk = hmac.new(b"ssec-proxy customer key v1", master, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()

master, derive, bucket, object_key = sys.argv[1:]
print(base64.b64encode(customer_key(base64.b64decode(master), derive, bucket, object_key)).decode())
