"""What b2sdk does with a bucket, through whatever realm it is given.

usage: b2_driver.py REALM KEY_ID KEY BUCKET [once]; `once` where the bucket keeps no versions
"""
import json
import os
import sys
import tempfile

from b2sdk.v2 import B2Api, InMemoryAccountInfo, UploadSourceBytes
from b2sdk.v2.exception import B2Error

realm, key_id, key, bucket_name = sys.argv[1:5]
keeps_versions = 'once' not in sys.argv[5:]
api = B2Api(InMemoryAccountInfo())
api.authorize_account(realm=realm, application_key_id=key_id, application_key=key)
bucket = api.create_bucket(bucket_name, 'allPrivate')


def download(downloaded):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'file')
        downloaded.save_to(path)
        with open(path, 'rb') as file:
            return file.read()


def by_name(name, **options):
    return download(bucket.download_file_by_name(name, **options))


def by_id(version, **options):
    return download(bucket.download_file_by_id(version.id_, **options))


def names(**options):
    return sorted(version.file_name for version, _ in bucket.ls(recursive=True, **options))


def is_refused(action):
    try:
        action()
    except B2Error:
        return True
    return False


small, large, info = b'small' * 100, os.urandom(12_000_000), {'color': 'blue', 'my_note-1': 'grün, ja'}
first = bucket.upload_bytes(small, 'dir/small file.bin', file_infos=info)
in_parts = bucket.upload(UploadSourceBytes(large), 'large.bin', min_part_size=5 * 1024 * 1024, file_info=info)
middle = (5_000_000, 6_000_000)
results = {
    'by name': by_name('dir/small file.bin') == small,
    'by id': by_id(first) == small,
    'range': by_name('dir/small file.bin', range_=(5, 9)) == b'small',
    'range by id': by_id(in_parts, range_=middle) == large[middle[0] : middle[1] + 1],
    'info by name': bucket.get_file_info_by_name('dir/small file.bin').file_info == info,
    'info by id': api.get_file_info(first.id_).file_info == info,
    'info of large': info.items() <= api.get_file_info(in_parts.id_).file_info.items(),
    'large': by_name('large.bin') == large,
    'large by id': by_id(in_parts) == large,
}
bucket.copy(first.id_, 'copy.bin')
results['copy'] = by_name('copy.bin') == small
results['info of copy'] = bucket.get_file_info_by_name('copy.bin').file_info == info
results['list'] = names() == ['copy.bin', 'dir/small file.bin', 'large.bin']
listed = [version for version, _ in bucket.ls(recursive=True, latest_only=False)]
results['ids of a listing'] = [by_id(version) for version in listed] == [small, small, large]

if keeps_versions:
    hidden = bucket.hide_file('copy.bin')
    results['hide'] = names() == ['dir/small file.bin', 'large.bin']
    results['hidden'] = names(latest_only=False).count('copy.bin') == 2
    api.delete_file_version(hidden.id_, 'copy.bin')
    results['no longer hidden'] = by_name('copy.bin') == small
else:
    results['hide'] = results['hidden'] = is_refused(lambda: bucket.hide_file('copy.bin'))
    results['no longer hidden'] = by_name('copy.bin') == small

newer = bucket.upload_bytes(b'newer', 'dir/small file.bin')
results['newer'] = by_name('dir/small file.bin') == b'newer'
if keeps_versions:
    results['older'] = by_id(first) == small
    api.delete_file_version(newer.id_, 'dir/small file.bin')
    results['older comes back'] = by_name('dir/small file.bin') == small
    api.delete_file_version(first.id_, 'dir/small file.bin')
else:
    results['older'] = is_refused(lambda: by_id(first))
    results['older comes back'] = is_refused(lambda: api.delete_file_version(first.id_, 'dir/small file.bin'))
    api.delete_file_version(newer.id_, 'dir/small file.bin')
results['delete'] = names() == ['copy.bin', 'large.bin']
print(json.dumps(results))
