"""alibabacloud-oss-v2, the second official Python SDK, against the emulator, and uploads it begins and `oss cp` finishes."""

import io
import unittest

import alibabacloud_oss_v2 as oss

from scene import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ENDPOINT, FOLDER, PART, REGION, copy, some_bytes, some_file

BUCKET = "interop-v2"


def client(endpoint=ENDPOINT, secret=ACCESS_KEY_SECRET):
    """The SDK's client with its defaults: V4 signatures, CRC-64 checked; path style, since the endpoint is an address."""
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, secret)
    config.region = REGION
    config.endpoint = endpoint
    config.use_path_style = True
    config.retry_max_attempts = 1
    return oss.Client(config)


def begin(sdk, bucket, key, parts):
    """An unfinished upload with these parts, by number; its id."""
    request = oss.InitiateMultipartUploadRequest(bucket=bucket, key=key)
    upload_id = sdk.initiate_multipart_upload(request).upload_id
    for number, data in parts.items():
        sdk.upload_part(
            oss.UploadPartRequest(bucket=bucket, key=key, upload_id=upload_id, part_number=number, body=data)
        )
    return upload_id


class OssV2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()
        cls.client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))

    def read(self, key, range_header=None):
        request = oss.GetObjectRequest(bucket=BUCKET, key=key, range_header=range_header)
        if range_header is not None:
            request.range_behavior = "standard"
        return self.client.get_object(request).body.read()

    def uploads_of(self, key):
        pages = self.client.list_multipart_uploads_paginator()
        request = oss.ListMultipartUploadsRequest(bucket=BUCKET, prefix=key)
        uploads = [found for page in pages.iter_page(request) for found in page.uploads or []]
        return [found.upload_id for found in uploads if found.key == key]

    def test_an_object_comes_back_whole_and_in_ranges(self):
        data = some_bytes(70_000)
        put = self.client.put_object(
            oss.PutObjectRequest(bucket=BUCKET, key="folder/one object.bin", body=data, metadata={"origin": "interop"})
        )
        self.assertEqual(self.read("folder/one object.bin"), data)
        self.assertEqual(self.read("folder/one object.bin", "bytes=10-4999"), data[10:5000])
        self.assertEqual(self.read("folder/one object.bin", "bytes=60000-"), data[60_000:])
        self.assertEqual(self.read("folder/one object.bin", "bytes=-500"), data[-500:])
        head = self.client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key="folder/one object.bin"))
        self.assertEqual(head.content_length, len(data))
        self.assertEqual((head.etag, head.hash_crc64), (put.etag, put.hash_crc64))
        self.assertEqual(head.metadata["origin"], "interop")

    def test_keys_come_back_as_they_were_given(self):
        keys = ["odd/a//b", "odd/ü ñ 数据", "odd/100% +1?#&=;.txt", "odd/<&>'\""]
        for key in keys:
            self.client.put_object(oss.PutObjectRequest(bucket=BUCKET, key=key, body=key.encode()))
        for key in keys:
            self.assertEqual(self.read(key), key.encode())
        pages = self.client.list_objects_v2_paginator()
        request = oss.ListObjectsV2Request(bucket=BUCKET, prefix="odd/", max_keys=1)
        self.assertEqual([found.key for page in pages.iter_page(request) for found in page.contents or []], sorted(keys))

    def test_a_deleted_object_is_gone(self):
        self.client.put_object(oss.PutObjectRequest(bucket=BUCKET, key="soon gone", body=b"bytes"))
        self.assertTrue(self.client.is_object_exist(BUCKET, "soon gone"))
        self.client.delete_object(oss.DeleteObjectRequest(bucket=BUCKET, key="soon gone"))
        self.assertFalse(self.client.is_object_exist(BUCKET, "soon gone"))

    def test_a_wrong_secret_is_refused(self):
        with self.assertRaises(oss.exceptions.OperationError) as refused:
            client(secret="another").put_object(oss.PutObjectRequest(bucket=BUCKET, key="refused", body=b"bytes"))
        self.assertEqual(refused.exception.unwrap().code, "SignatureDoesNotMatch")

    def test_a_presigned_url_serves_the_object(self):
        self.client.put_object(oss.PutObjectRequest(bucket=BUCKET, key="presigned +1", body=b"bytes"))
        presigned = self.client.presign(oss.GetObjectRequest(bucket=BUCKET, key="presigned +1"))
        import requests

        answer = requests.request(presigned.method, presigned.url, headers=presigned.signed_headers, timeout=20)
        self.assertEqual((answer.status_code, answer.content), (200, b"bytes"))
        other = "1" if presigned.url.endswith("0") else "0"
        self.assertEqual(requests.get(presigned.url[:-1] + other, timeout=20).status_code, 403)

    def test_the_uploader_and_the_downloader_agree(self):
        data = some_bytes(7 * PART + 1, seed=2)
        file = some_file("resumable.bin", data)
        uploader = self.client.uploader(
            part_size=PART, parallel_num=3, enable_checkpoint=True, checkpoint_dir=str(FOLDER)
        )
        done = uploader.upload_file(oss.PutObjectRequest(bucket=BUCKET, key="resumable"), str(file))
        head = self.client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key="resumable"))
        self.assertEqual((head.object_type, head.etag), ("Multipart", done.etag))
        self.assertEqual(head.hash_crc64, done.hash_crc64)
        back = FOLDER / "back.bin"
        downloader = self.client.downloader(part_size=PART, parallel_num=3)
        downloader.download_file(oss.GetObjectRequest(bucket=BUCKET, key="resumable"), str(back))
        self.assertEqual(back.read_bytes(), data)

    def test_a_stream_of_unknown_length_is_uploaded(self):
        data = some_bytes(3 * PART + 7, seed=6)
        uploader = self.client.uploader(part_size=PART, parallel_num=1)
        uploader.upload_from(oss.PutObjectRequest(bucket=BUCKET, key="stream"), io.BytesIO(data))
        self.assertEqual(self.read("stream"), data)

    def test_parts_and_uploads_are_listed_until_they_are_aborted(self):
        upload_id = begin(self.client, BUCKET, "aborted", {n: some_bytes(PART, seed=n) for n in (1, 3, 2)})
        self.assertIn(upload_id, self.uploads_of("aborted"))
        request = oss.ListPartsRequest(bucket=BUCKET, key="aborted", upload_id=upload_id, max_parts=2)
        parts = [part for page in self.client.list_parts_paginator().iter_page(request) for part in page.parts or []]
        self.assertEqual([part.part_number for part in parts], [1, 2, 3])
        self.assertEqual([part.size for part in parts], [PART] * 3)
        for part in parts:
            crc = oss.crc.Crc64(0)
            crc.update(some_bytes(PART, seed=part.part_number))
            self.assertEqual(int(part.hash_crc64), crc.sum64())
        request = oss.AbortMultipartUploadRequest(bucket=BUCKET, key="aborted", upload_id=upload_id)
        self.client.abort_multipart_upload(request)
        self.assertNotIn(upload_id, self.uploads_of("aborted"))

    def check_that_the_program_finishes(self, key, part_size, numbers, options):
        """The SDK leaves an upload with the parts `numbers`; `oss cp` goes on with it and not with one of its own."""
        data = some_bytes(6 * part_size + 12_345, seed=3)
        file = some_file(f"{key}.bin", data)
        parts = {number: data[(number - 1) * part_size : number * part_size] for number in numbers}
        upload_id = begin(self.client, BUCKET, key, parts)
        receipt = copy(file, BUCKET, key, "--bigfile-threshold", "100K", *options)
        self.assertEqual(self.read(key), data)
        self.assertEqual(receipt["upload_id"], upload_id)
        self.assertEqual(receipt["proof"], "parts+object")
        self.assertEqual(self.uploads_of(key), [])

    def test_the_program_finishes_an_upload_with_the_same_part_size(self):
        self.check_that_the_program_finishes("same-part-size", PART, [1, 2, 3], ["--part-size", "100K"])

    def test_the_program_finishes_an_upload_with_another_part_size(self):
        self.check_that_the_program_finishes("other-part-size", 2 * PART, [1, 4], ["--part-size", "150K"])


if __name__ == "__main__":
    unittest.main()
