"""Speaks boto3 for the tests: one JSON call per line in, one JSON answer per line out."""

import base64
import io
import json
import os
import sys

import boto3
from botocore.config import Config

s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["ORIGIN"],
    verify=os.environ["CA"],
    # Its own choice for everything but presigned URLs, which it would sign with SigV2.
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


class Unseekable(io.RawIOBase):
    """A file of which nobody knows the length."""

    def __init__(self, path):
        self.file = open(path, "rb")

    def readable(self):
        return True

    def seekable(self):
        return False

    def readinto(self, buffer):
        return self.file.readinto(buffer)


def at(place):
    return {"Bucket": place["bucket"], "Key": place["objectKey"]}


def described(description):
    names = {"contentType": "ContentType", "metadata": "Metadata"}
    return {names[name]: value for name, value in description.items()}


def create_bucket(bucket):
    s3.create_bucket(Bucket=bucket)


def put_buffer(place, data, description):
    s3.put_object(**at(place), **described(description), Body=base64.b64decode(data))


def put_file(place, path, description):
    with open(path, "rb") as file:
        s3.put_object(**at(place), **described(description), Body=file)


def put_stream(place, path):
    s3.upload_fileobj(Unseekable(path), **at(place))


def upload(place, path):
    s3.upload_file(path, **at(place))


def get(place, range):
    extra = {"Range": range} if range else {}
    body = s3.get_object(**at(place), **extra)["Body"].read()
    return base64.b64encode(body).decode()


def download(place, path):
    s3.download_file(**at(place), Filename=path)


def head(place):
    answer = s3.head_object(**at(place))
    return {
        "size": answer["ContentLength"],
        "contentType": answer["ContentType"],
        "metadata": answer["Metadata"],
    }


def compose(place, pieces):
    upload = {**at(place), "UploadId": s3.create_multipart_upload(**at(place))["UploadId"]}
    parts = []
    for number, piece in enumerate(pieces, 1):
        result = s3.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource=at(piece["place"]),
            CopySourceRange=f"bytes={piece['from']}-{piece['to']}",
        )
        parts.append({"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def copy(source, target):
    s3.copy_object(**at(target), CopySource=at(source))


def copy_big(source, target):
    s3.copy(CopySource=at(source), **at(target))


def presign(method, place):
    return s3.generate_presigned_url(method, Params=at(place), ExpiresIn=600)


def list_keys(bucket, prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def delete_many(bucket, keys):
    delete = {"Objects": [{"Key": key} for key in keys]}
    errors = s3.delete_objects(Bucket=bucket, Delete=delete).get("Errors")
    if errors:
        raise RuntimeError(json.dumps(errors))


def put_tags(place, tags):
    tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
    s3.put_object_tagging(**at(place), Tagging={"TagSet": tag_set})


def get_tags(place):
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(**at(place))["TagSet"]}


def answer(line):
    call, *arguments = json.loads(line)
    try:
        return {"result": globals()[call](*arguments)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(line)), flush=True)
