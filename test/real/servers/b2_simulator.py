"""B2's native API over HTTP, around the simulator that b2sdk tests itself with (Debian's python3-b2sdk).

usage: b2_simulator.py PORT. Account id `account-0`, application key id `account-0`, key `masterKey-0`. All is in memory.
"""
import base64
import hashlib
import inspect
import io
import json
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import b2sdk.raw_simulator as raw_simulator
from b2sdk import exception
from b2sdk.encryption.setting import EncryptionKey, EncryptionSetting
from b2sdk.encryption.types import EncryptionAlgorithm, EncryptionMode
from b2sdk.raw_api import MetadataDirectiveMode

PORT = int(sys.argv[1])
BASE = f'http://127.0.0.1:{PORT}'
PART = 5_000_000
SSE = 'X-Bz-Server-Side-Encryption'

raw_simulator.BucketSimulator.MAX_SIMPLE_COPY_SIZE = 5 * 10**9
SIMULATOR = raw_simulator.RawSimulator()
SIMULATOR.create_account()
SIMULATOR.bucket_id_counter = iter(range(10**9))
LOCK = threading.RLock()


class Clock:
    """The simulator's own is at the beginning of 1970."""

    def __next__(self):
        return int(time.time() * 1000)


# As B2's, ids tell one file of all, and upload URLs do not run out.
IDS = iter(range(99999, 10000, -1))
raw_simulator.BucketSimulator.FIRST_FILE_ID = '99999'
raw_simulator.BucketSimulator._next_file_id = lambda _: str(next(IDS))


def begin(bucket):
    bucket.upload_url_counter = iter(range(10**9))
    bucket.upload_timestamp_counter = Clock()


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def customer_key(algorithm, key, md5):
    raw = base64.b64decode(key or '')
    if algorithm != 'AES256' or len(raw) != 32:
        raise Refused(400, 'bad_request', 'invalid algorithm or customer key')
    if base64.b64encode(hashlib.md5(raw).digest()).decode() != md5:
        raise Refused(400, 'bad_request', 'customer key MD5 does not match')
    return EncryptionSetting(
        EncryptionMode.SSE_C, EncryptionAlgorithm.AES256, EncryptionKey(secret=raw, key_id=None)
    )


def encryption_of_field(field):
    if field is None:
        return None
    if field.get('mode') == 'SSE-C':
        return customer_key(field.get('algorithm'), field.get('customerKey'), field.get('customerKeyMd5'))
    if field.get('mode') == 'SSE-B2':
        return EncryptionSetting(EncryptionMode.SSE_B2, EncryptionAlgorithm.AES256)
    return EncryptionSetting(EncryptionMode.NONE)


def encryption_of_headers(headers):
    names = [f'{SSE}-Customer-{name}' for name in ('Algorithm', 'Key', 'Key-Md5')]
    if any(headers.get(name) for name in names):
        return customer_key(*(headers.get(name) for name in names))
    if headers.get(SSE):
        return EncryptionSetting(EncryptionMode.SSE_B2, EncryptionAlgorithm.AES256)
    return None


def as_b2(value):
    """B2 never gives a customer key back, as the simulator does, and names its own hosts."""
    if isinstance(value, list):
        return [as_b2(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {name: as_b2(each) for name, each in value.items() if name != 'customerKey'}
    encryption = value.get('serverSideEncryption')
    if isinstance(encryption, dict) and encryption.get('mode') == 'none':
        value['serverSideEncryption'] = {'mode': None, 'algorithm': None}
    if 'contentLength' in value:
        value['size'] = value['contentLength']
    if 'uploadUrl' in value:
        value['uploadUrl'] = value['uploadUrl'].replace('https://upload.example.com', f'{BASE}/up')
    return value


def account(version, document):
    """v3 and v4 nest what v1 and v2 have flat."""
    urls = {'apiUrl': BASE, 'downloadUrl': BASE, 's3ApiUrl': 'http://s3.invalid'}
    sizes = {'recommendedPartSize': PART, 'absoluteMinimumPartSize': PART}
    if version < 'v3':
        return {**document, **urls, **sizes}
    allowed = document.pop('allowed')
    capabilities = {'capabilities': allowed['capabilities'], 'namePrefix': allowed['namePrefix']}
    storage = {**urls, **sizes, **capabilities, 'infoType': 'storageApi'}
    if version == 'v3':
        storage.update(bucketId=allowed['bucketId'], bucketName=allowed['bucketName'])
    else:
        storage['allowed'] = {'buckets': None, **capabilities}
    return {
        'accountId': document['accountId'],
        'authorizationToken': document['authorizationToken'],
        'applicationKeyExpirationTimestamp': None,
        'apiInfo': {'storageApi': storage},
    }


def snake(name):
    return re.sub(r'([A-Z])', lambda match: '_' + match[1].lower(), name)


STATUS = {
    exception.FileNotPresent: (404, 'not_found'),
    exception.NonExistentBucket: (404, 'not_found'),
    exception.SSECKeyError: (403, 'access_denied'),
    exception.InvalidAuthToken: (401, 'bad_auth_token'),
    exception.Unauthorized: (401, 'unauthorized'),
    exception.DuplicateBucketName: (400, 'duplicate_bucket_name'),
    exception.PartSha1Mismatch: (400, 'part_sha1_mismatch'),
    exception.MissingPart: (400, 'missing_part'),
    exception.B2Error: (400, 'bad_request'),
    KeyError: (400, 'bad_request'),
    AssertionError: (400, 'bad_request'),
    ValueError: (400, 'bad_request'),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 60

    def log_message(self, *_):
        pass

    def answer(self, status, body=b'', headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name.lower() != 'content-length':
                self.send_header(name, str(value))
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def document(self, status, value):
        body = json.dumps(value, default=list).encode()
        self.answer(status, body, {'Content-Type': 'application/json;charset=UTF-8'})

    def handle_request(self):
        length = int(self.headers.get('Content-Length') or 0)
        data = self.rfile.read(length) if length else b''
        try:
            with LOCK:
                result = self.route(data)
        except Refused as error:
            self.refuse(error.status, error.code, str(error))
        except Exception as error:  # whatever the simulator throws is an answer
            found = (value for kind, value in STATUS.items() if isinstance(error, kind))
            self.refuse(*next(found, (500, 'internal_error')), f'{type(error).__name__}: {error}')
        else:
            if isinstance(result, tuple):
                self.answer(*result)
            else:
                self.document(200, as_b2(result))

    def refuse(self, status, code, message):
        self.document(status, {'status': status, 'code': code, 'message': message})

    do_GET = do_POST = do_HEAD = handle_request

    def route(self, data):
        url = urllib.parse.urlsplit(self.path)
        if url.path.startswith('/up/'):
            return self.upload(url.path, data)
        call = re.match(r'/b2api/(v\d)/b2_(\w+)$', url.path)
        if url.path.startswith('/file/') or (call and call[2] == 'download_file_by_id'):
            return self.download(url, data, call)
        if call is None:
            raise Refused(404, 'not_found', self.path)
        if call[2] == 'authorize_account':
            pair = base64.b64decode(self.headers['Authorization'].split()[1]).decode()
            return account(call[1], SIMULATOR.authorize_account(None, *pair.split(':', 1)))
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        return self.call(call[2], json.loads(data or b'{}') if self.command == 'POST' else query)

    def upload(self, path, data):
        url = 'https://upload.example.com' + path[3:]
        encryption = encryption_of_headers(self.headers)
        sha1 = self.headers['X-Bz-Content-Sha1']
        body = io.BytesIO(data)
        if not path.startswith('/up/part/'):
            info = {
                name[10:]: urllib.parse.unquote_plus(value)
                for name, value in self.headers.items()
                if name.lower().startswith('x-bz-info-')
            }
            name = urllib.parse.unquote_plus(self.headers['X-Bz-File-Name'])
            kind = self.headers.get('Content-Type')
            return SIMULATOR.upload_file(url, url, name, len(data), kind, sha1, info, body, encryption)
        file_id = path.split('/')[3]
        bucket = SIMULATOR._get_bucket_by_id(SIMULATOR.file_id_to_bucket_id[file_id])
        begun = bucket.file_id_to_file[file_id].server_side_encryption
        # The simulator does not look; B2 does.
        if begun.mode is EncryptionMode.SSE_C and (encryption is None or encryption.key.secret != begun.key.secret):
            raise Refused(400, 'bad_request', "the part's key is not the large file's")
        number = int(self.headers['X-Bz-Part-Number'])
        return SIMULATOR.upload_part(url, url, number, len(data), sha1, body, encryption)

    def download(self, url, data, call):
        fields = json.loads(data) if self.command == 'POST' else {}
        token = self.headers.get('Authorization') or urllib.parse.parse_qs(url.query).get('Authorization', [None])[0]
        query = f"?fileId={fields['fileId']}" if fields else f'?{url.query}' if call else ''
        encryption = encryption_of_field(fields.get('serverSideEncryption')) or encryption_of_headers(self.headers)
        wanted = SIMULATOR.DOWNLOAD_URL + url.path + query
        whole = SIMULATOR.download_file_from_url(token, wanted, None, encryption).__enter__()
        body, headers = whole.data_bytes, dict(whole.headers)
        span = re.match(r'bytes=(\d*)-(\d*)$', self.headers.get('Range', ''))
        if span is None:
            return 200, body, headers
        if not span[1]:
            span = (None, max(0, len(body) - int(span[2])), '')
        first, last = int(span[1]), min(int(span[2] or len(body)), len(body) - 1)
        if first > last:
            raise Refused(416, 'range_not_satisfiable', 'range not satisfiable')
        headers['Content-Range'] = f'bytes {first}-{last}/{len(body)}'
        return 206, body[first : last + 1], headers

    def call(self, name, fields):
        method = getattr(SIMULATOR, 'get_file_info_by_id' if name == 'get_file_info' else name)
        parameters = inspect.signature(method).parameters
        values = {snake(field): value for field, value in fields.items()}
        for field in values:
            if 'encryption' in field:
                values[field] = encryption_of_field(values[field])
        values.pop('bucket_types', None)
        if name == 'delete_bucket' and SIMULATOR._get_bucket_by_id(values['bucket_id']).file_id_to_file:
            raise Refused(400, 'cannot_delete_non_empty_bucket', 'the simulator does not look; B2 does')
        if name == 'copy_file':
            values['new_file_name'] = values.get('file_name')
        if values.get('metadata_directive'):
            values['metadata_directive'] = MetadataDirectiveMode[values['metadata_directive']]
        delimiter = values.pop('delimiter', None)
        if delimiter:
            return self.rolled_up(method, delimiter, values)
        values = {field: value for field, value in values.items() if field in parameters}
        if 'prefix' in parameters:
            values['prefix'] = values.get('prefix') or ''
        for field, parameter in parameters.items():
            # Required by the simulator, optional on the wire.
            if field not in values and parameter.default is inspect.Parameter.empty and field not in ('api_url', 'account_auth_token'):
                values[field] = {} if field == 'file_info' else None
        result = method(SIMULATOR.API_URL, self.headers.get('Authorization'), **values)
        if name == 'create_bucket':
            begin(SIMULATOR._get_bucket_by_id(result['bucketId']))
        if name == 'copy_file':  # the simulator forgets
            source = SIMULATOR.file_id_to_bucket_id[values['source_file_id']]
            SIMULATOR.file_id_to_bucket_id[result['fileId']] = values.get('destination_bucket_id') or source
        return result


    def rolled_up(self, method, delimiter, values):
        """A listing with folders, which the simulator leaves to its caller."""
        most, prefix = values.pop('max_file_count', 100), values.get('prefix') or ''
        listed = method(SIMULATOR.API_URL, self.headers.get('Authorization'), max_file_count=10**4, **values)
        files, seen = [], set()
        for file in listed['files']:
            end = file['fileName'].find(delimiter, len(prefix))
            if end >= 0:
                folder = file['fileName'][: end + len(delimiter)]
                if folder in seen:
                    continue
                seen.add(folder)
                file = {'action': 'folder', 'fileName': folder, 'fileId': None, 'contentLength': 0, 'uploadTimestamp': 0}
            files.append(file)
        following = files[most] if len(files) > most else {}
        return {'files': files[:most], 'nextFileName': following.get('fileName'), 'nextFileId': following.get('fileId')}


ThreadingHTTPServer(('127.0.0.1', PORT), Handler).serve_forever()
