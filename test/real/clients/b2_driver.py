"""What b2sdk does with a bucket, through whatever realm it is given. usage: b2_driver.py REALM KEY_ID KEY BUCKET"""
import io
import json
import os
import sys
import tempfile

from b2sdk.v2 import B2Api, InMemoryAccountInfo

realm, key_id, key, bucket_name = sys.argv[1:5]
api = B2Api(InMemoryAccountInfo())
api.authorize_account(realm=realm, application_key_id=key_id, application_key=key)
bucket = api.create_bucket(bucket_name, 'allPrivate')


def download(downloaded):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'file')
        downloaded.save_to(path)
        with open(path, 'rb') as file:
            return file.read()


small, large = b'small' * 100, os.urandom(12_000_000)
first = bucket.upload_bytes(small, 'dir/small file.bin', file_infos={'color': 'blue'})
bucket.upload(__import__('b2sdk.v2', fromlist=['x']).UploadSourceBytes(large), 'large.bin', min_part_size=5_000_000)
results = {
    'by name': download(bucket.download_file_by_name('dir/small file.bin')) == small,
    'by id': download(bucket.download_file_by_id(first.id_)) == small,
    'range': download(bucket.download_file_by_name('dir/small file.bin', range_=(5, 9))) == b'small',
    'info by name': bucket.get_file_info_by_name('dir/small file.bin').file_info == {'color': 'blue'},
    'large': download(bucket.download_file_by_name('large.bin')) == large,
}
bucket.copy(first.id_, 'copy.bin')
results['copy'] = download(bucket.download_file_by_name('copy.bin')) == small
names = sorted(version.file_name for version, _ in bucket.ls(recursive=True))
results['list'] = names == ['copy.bin', 'dir/small file.bin', 'large.bin']
bucket.hide_file('copy.bin')
api.delete_file_version(first.id_, 'dir/small file.bin')
results['delete'] = [version.file_name for version, _ in bucket.ls(recursive=True)] == ['large.bin']
print(json.dumps(results))
